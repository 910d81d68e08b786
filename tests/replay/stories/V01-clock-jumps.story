# A clock that jumps beyond every lease, and is put right within the hour, costs nobody his name.
config scavenge-period 3d
given HOST#00 active unique 10.0.0.1 version 1 expires 30h
at 1m
clock fast 10d
at 40m
expect none
state HOST#00 active unique 10.0.0.1 version 1
clock right
at 3h
state HOST#00 active unique 10.0.0.1 version 1
expect none
# After an outage of ten days the holder gets an hour to come back; who does not is released.
clock fast 10d
restart
at 220m
expect none
state HOST#00 active unique 10.0.0.1 version 1
at 5h
expect none rule V01
state HOST#00 released unique 10.0.0.1 version 1
