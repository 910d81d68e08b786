given HOST#00 active unique 10.0.0.1 static version 3
given MULTI#00 active mhomed 10.0.0.1 10.0.0.4 static version 4
from 10.0.0.1 register HOST#00 unique 10.0.0.1 ttl 1d
expect to 10.0.0.1 ACT_ERR ttl 1d rule R10
from 10.0.0.2 register HOST#00 unique 10.0.0.2
expect to 10.0.0.2 ACT_ERR rule R10
from 10.0.0.2 register MULTI#00 group 10.0.0.2
expect to 10.0.0.2 ACT_ERR rule R10
state HOST#00 active unique 10.0.0.1 static version 3 expires never
state MULTI#00 active mhomed 10.0.0.1 10.0.0.4 static version 4
