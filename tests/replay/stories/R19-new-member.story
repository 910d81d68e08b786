given WORK#1C active sgroup 10.0.0.1@10.0.0.99+1d owner 10.0.0.99 version 40 expires 1d
from 10.0.0.2 register WORK#1C group 10.0.0.2 ttl 6d
expect to 10.0.0.2 ok rule R19
state WORK#1C active sgroup 10.0.0.1@10.0.0.99+1d 10.0.0.2@10.0.0.53+6d version 41 owner 10.0.0.53 expires 6d
