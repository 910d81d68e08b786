config scavenge-period 1h
given WORK#1C active sgroup 10.0.0.1+2h 10.0.0.2+1d version 3 expires 1d
given MANY#20 active mhomed 10.0.0.1+1d 10.0.0.2+2h 10.0.0.3+1h version 4 expires 1d
# What another server says of its members is its own to end.
given JOINED#1C active sgroup 10.0.0.1@10.0.0.99+2h 10.0.0.2+1d version 5 expires 1d
given FIXED#1C active sgroup 10.0.0.1 10.0.0.2 static version 6 expires never
# Who is left when another has released the name keeps it for the longest lease (L09).
given LEFT#1C active sgroup 10.0.0.1+2h version 7 expires 6d
at 119m
state WORK#1C active sgroup 10.0.0.1+2h 10.0.0.2+1d version 3 expires 1d
expect none rule V06
state MANY#20 active mhomed 10.0.0.1+1d 10.0.0.2+2h version 4 expires 1d
at 121m
expect none rule V06 V06
state WORK#1C active sgroup 10.0.0.2+1d version 3 expires 1d
state MANY#20 active mhomed 10.0.0.1+1d version 4 expires 1d
state JOINED#1C active sgroup 10.0.0.1@10.0.0.99+2h 10.0.0.2+1d version 5 expires 1d
state FIXED#1C active sgroup 10.0.0.1 10.0.0.2 static version 6 expires never
state LEFT#1C active sgroup 10.0.0.1+2h version 7 expires 6d
from 10.0.0.9 query WORK#1C
expect to 10.0.0.9 found 10.0.0.2 rule Q06
