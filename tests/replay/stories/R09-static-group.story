given WORK#00 active group 10.0.0.1 static version 3
given WORK#1C active sgroup 10.0.0.1 static version 4
from 10.0.0.2 register WORK#00 group 10.0.0.2 ttl 1d
expect to 10.0.0.2 ok ttl 1d rule R09
from 10.0.0.2 register WORK#1C group 10.0.0.2
expect to 10.0.0.2 ok rule R09
from 10.0.0.2 register WORK#00 unique 10.0.0.2
expect to 10.0.0.2 ok rule R09
state WORK#00 active group 10.0.0.1 static version 3 expires never
state WORK#1C active sgroup 10.0.0.1 static version 4 expires never
