given HOST#00 active unique 10.0.0.1 owner 10.0.0.99 version 40 expires 1d
given MULTI#00 active mhomed 10.0.0.1 10.0.0.4 owner 10.0.0.99 version 41 expires 1d
hold
from 10.0.0.1 refresh HOST#00 unique 10.0.0.1 ttl 6d
expect none rule R15
commit
expect to 10.0.0.1 ok
state HOST#00 active unique 10.0.0.1@10.0.0.53 version 42 expires 6d owner 10.0.0.53
from 10.0.0.4 multihomed MULTI#00 unique 10.0.0.4 ttl 6d
expect to 10.0.0.4 ok rule R15
state MULTI#00 active mhomed 10.0.0.1@10.0.0.99 10.0.0.4@10.0.0.53 version 43 expires 6d owner 10.0.0.53
