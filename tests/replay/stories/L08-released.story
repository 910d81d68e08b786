given HOST#00 active unique 10.0.0.1 version 1
given WORK#00 active group 10.0.0.1 version 2
at 1h
# The answer waits for the disk and repeats what the packet said.
hold
from 10.0.0.1:1025 release HOST#00 unique 10.9.9.9 ttl 0s
expect none rule L08 L10
state HOST#00 active unique 10.0.0.1 version 1
commit
expect to 10.0.0.1:1025 ok HOST#00 10.9.9.9 flags b400 ttl 0s
state HOST#00 released unique 10.0.0.1 version 1
from 10.0.0.1 release WORK#00 group 10.0.0.1
expect to 10.0.0.1 ok rule L08 L10
state WORK#00 released group 10.0.0.1 version 2
from 10.0.0.9 query HOST#00
expect to 10.0.0.9 not-found rule Q04
