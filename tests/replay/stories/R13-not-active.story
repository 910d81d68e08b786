given LATE#00 released unique 10.0.0.1 version 1
given GONE#00 released unique 10.0.0.1 version 1
given DEAD#00 tombstone unique 10.0.0.1 owner 10.0.0.99 version 9
given WORK#00 released group 10.0.0.1 version 3
given MULTI#00 tombstone mhomed 10.0.0.1 10.0.0.4 version 4
given WORK#1C released sgroup 10.0.0.1 10.0.0.4 version 5
from 10.0.0.2 register GONE#00 unique 10.0.0.2
expect to 10.0.0.2 ok rule R13
state GONE#00 active unique 10.0.0.2 version 10 expires 6d
from 10.0.0.2 register DEAD#00 group 10.0.0.2
expect to 10.0.0.2 ok rule R13
state DEAD#00 active group 10.0.0.2 version 11 owner 10.0.0.53
from 10.0.0.2 register WORK#00 group 10.0.0.2
expect to 10.0.0.2 ok rule R13
state WORK#00 active group 10.0.0.2 version 12
from 10.0.0.2 register MULTI#00 unique 10.0.0.2
expect to 10.0.0.2 ok rule R13
state MULTI#00 active unique 10.0.0.2 version 13
from 10.0.0.2 register WORK#1C group 10.0.0.2
expect to 10.0.0.2 ok rule R13
state WORK#1C active sgroup 10.0.0.2 version 14
# Nothing is said before it is on disk.
hold
from 10.0.0.2 register LATE#00 unique 10.0.0.2
expect none rule R13
state LATE#00 released unique 10.0.0.1
commit
expect to 10.0.0.2 ok
state LATE#00 active unique 10.0.0.2
