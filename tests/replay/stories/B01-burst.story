# Granted for five minutes, neither stored nor challenged; never a protected name, never what policy or the first rows refuse.
config policy burst 10
config policy pin MP_*#1A 10.1.0.0/16
config policy first-owner KEEP#20
config own-name SERVER#20
given HOST#20 active unique 10.0.0.1 version 1
given FIXED#20 active unique 10.0.0.1 static version 2
queue 10
from 10.0.0.2 register NEW#20 unique 10.0.0.2
expect to 10.0.0.2 ok rule R08
queue 11
from 10.0.0.2 register OTHER#20 unique 10.0.0.2
expect to 10.0.0.2 ok ttl 300 rule B01
state OTHER#20 absent
from 10.0.0.2 register HOST#20 unique 10.0.0.2
expect to 10.0.0.2 ok ttl 300 rule B01
state HOST#20 active unique 10.0.0.1 version 1
from 10.0.0.2 register MP_PS1#1A unique 10.0.0.2
expect to 10.0.0.2 RFS_ERR rule P04
from 10.0.0.2 register MP_PS1#1A unique 10.1.0.2
expect to 10.0.0.2 ok rule R08
from 10.0.0.2 register KEEP#20 unique 10.0.0.2
expect to 10.0.0.2 ok rule R08
from 10.0.0.2 register SERVER#20 unique 10.0.0.2
expect to 10.0.0.2 ACT_ERR rule R20
from 10.0.0.2 register DOM#1B group 10.0.0.2
expect to 10.0.0.2 RFS_ERR rule R03
from 10.0.0.2 register MULTI#20 unique 224.0.0.1
expect to 10.0.0.2 RFS_ERR rule P03
from 10.0.0.2 register FIXED#20 unique 10.0.0.2
expect to 10.0.0.2 ACT_ERR rule R10
