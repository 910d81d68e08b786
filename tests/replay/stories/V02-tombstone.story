# A released name becomes a tombstone with a new version, so that the change replicates.
config extinction-timeout 2d
given HOST#00 released unique 10.0.0.1 version 3 expires 1h
given OTHER#00 released unique 10.0.0.1 version 4 expires 3h
at 2h
hold
admin scavenge
state HOST#00 released unique 10.0.0.1 version 3
commit
expect done
expect none rule V02
state HOST#00 tombstone unique 10.0.0.1 version 5 expires 50h owner 10.0.0.53
state OTHER#00 released unique 10.0.0.1 version 4
# Nothing more is due.
admin scavenge
expect done
state HOST#00 tombstone unique 10.0.0.1 version 5 expires 50h
