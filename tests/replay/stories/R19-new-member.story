given WORK#1C active sgroup 10.0.0.1@10.0.0.99+1d owner 10.0.0.99 version 40 expires 1d
given LONG#1C active sgroup 10.0.0.1+5d version 2 expires 5d
given REPLICA#1C active sgroup 10.0.0.1@10.0.0.99+5d owner 10.0.0.99 version 40 expires 5d
from 10.0.0.2 register WORK#1C group 10.0.0.2 ttl 6d
expect to 10.0.0.2 ok rule R19
state WORK#1C active sgroup 10.0.0.1@10.0.0.99+1d 10.0.0.2@10.0.0.53+6d version 41 owner 10.0.0.53 expires 6d
# Nor does a new one; what another server says of its members counts for nothing here.
from 10.0.0.2 register LONG#1C group 10.0.0.2 ttl 6h
expect to 10.0.0.2 ok ttl 6h rule R19
state LONG#1C active sgroup 10.0.0.1+5d 10.0.0.2+6h version 42 expires 5d
from 10.0.0.2 register REPLICA#1C group 10.0.0.2 ttl 6h
expect to 10.0.0.2 ok ttl 6h rule R19
state REPLICA#1C active sgroup 10.0.0.1@10.0.0.99+5d 10.0.0.2@10.0.0.53+6h version 43 owner 10.0.0.53 expires 6h
