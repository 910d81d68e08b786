config extinction-interval 4d
config extinction-timeout 2d
given HOST#00 active unique 10.0.0.1 owner 10.0.0.99 version 40
given WORK#1C active sgroup 10.0.0.1 owner 10.0.0.99 version 41
at 1h
from 10.0.0.1 release HOST#00 unique 10.0.0.1
expect to 10.0.0.1 ok rule L08 L11
state HOST#00 tombstone unique 10.0.0.1 version 42 expires 145h owner 10.0.0.53
from 10.0.0.1 release WORK#1C group 10.0.0.1
expect to 10.0.0.1 ok rule L09 L11
state WORK#1C tombstone sgroup version 43 expires 145h owner 10.0.0.53
