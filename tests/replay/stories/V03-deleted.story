# No tombstone goes before the server has been in service for three days; restarts without an outage do not count anew.
config scavenge-period 1h
given HOST#00 tombstone unique 10.0.0.1 version 3 expires 1h
at 30h
state HOST#00 tombstone unique 10.0.0.1 version 3
restart
at 60h
restart
at 71h
state HOST#00 tombstone unique 10.0.0.1 version 3
at 73h
expect none rule V03
state HOST#00 absent
# The version counter stays.
from 10.0.0.1 register HOST#00 unique 10.0.0.1
expect to 10.0.0.1 ok rule R08
state HOST#00 active unique 10.0.0.1 version 4
