given HOST#00 active unique 10.0.0.1 version 1 expires 1h
at 2h
disk fails
admin scavenge
expect failed
expect none rule V01
state HOST#00 active unique 10.0.0.1 version 1
disk works
admin scavenge
expect done
expect none rule V01
state HOST#00 released unique 10.0.0.1 version 1
