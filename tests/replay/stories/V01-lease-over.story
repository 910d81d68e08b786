config scavenge-period 1h
config extinction-interval 4d
given HOST#00 active unique 10.0.0.1 version 3 expires 2h
given WORK#00 active group 10.0.0.1 version 4 expires 2h
given FIXED#00 active unique 10.0.0.2 static version 5 expires never
given LATER#00 active unique 10.0.0.3 version 6 expires 3h
at 119m
state HOST#00 active unique 10.0.0.1 version 3 expires 2h
# Two hours are over: released by a pass of the scavenger, without a new version; what is static never expires.
at 121m
expect none rule V01 V01
state HOST#00 released unique 10.0.0.1 version 3 expires 98h
state WORK#00 released group 10.0.0.1 version 4 expires 98h
state FIXED#00 active unique 10.0.0.2 static version 5 expires never
state LATER#00 active unique 10.0.0.3 version 6
from 10.0.0.9 query HOST#00
expect to 10.0.0.9 not-found rule Q04
# The holder comes back.
from 10.0.0.1 refresh HOST#00 unique 10.0.0.1 ttl 6d
expect to 10.0.0.1 ok rule R13
state HOST#00 active unique 10.0.0.1 version 7
