given WORK#1C active sgroup 10.0.0.1+1d 10.0.0.2+1d version 1 expires 1d
given OTHER#1C active sgroup 10.0.0.1 10.0.0.2 owner 10.0.0.99 version 40 expires 1d
given LONG#1C active sgroup 10.0.0.1+5d 10.0.0.2+5d version 2 expires 5d
from 10.0.0.2 refresh WORK#1C group 10.0.0.2 ttl 6d
expect to 10.0.0.2 ok ttl 6d rule R18
state WORK#1C active sgroup 10.0.0.1+1d 10.0.0.2+6d version 1 expires 6d
# A replica becomes ours.
from 10.0.0.2 refresh OTHER#1C group 10.0.0.2 ttl 6d
expect to 10.0.0.2 ok rule R18
state OTHER#1C active sgroup 10.0.0.1@10.0.0.99 10.0.0.2@10.0.0.53 version 41 owner 10.0.0.53 expires 6d
# A member that asks for a short lease does not end the others'.
from 10.0.0.2 refresh LONG#1C group 10.0.0.2 ttl 6h
expect to 10.0.0.2 ok ttl 6h rule R18
state LONG#1C active sgroup 10.0.0.1+5d 10.0.0.2+6h version 2 expires 5d
# Nor can one member shorten that of another.
from 10.0.0.2 refresh LONG#1C group 10.0.0.1 ttl 6h
expect to 10.0.0.2 ok ttl 6h rule R18
state LONG#1C active sgroup 10.0.0.1+5d 10.0.0.2+6h version 2 expires 5d
