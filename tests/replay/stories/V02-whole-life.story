# Registered, not refreshed, released, tombstone, gone: six days, six days, one day.
config scavenge-period 1h
from 10.0.0.1 register HOST#00 unique 10.0.0.1 ttl 6d
expect to 10.0.0.1 ok rule R08
state HOST#00 active unique 10.0.0.1 version 1 expires 144h
at 146h
expect none rule V01
state HOST#00 released unique 10.0.0.1 version 1
at 292h
expect none rule V02
state HOST#00 tombstone unique 10.0.0.1 version 2
at 318h
expect none rule V03
state HOST#00 absent
