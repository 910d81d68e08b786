# Without any policy: nobody can be challenged there. Loopback is fine from this machine.
from 10.0.0.1 register HOST#20 unique 0.0.0.0
expect to 10.0.0.1 RFS_ERR rule P03
from 10.0.0.1 register HOST#20 unique 0.1.2.3
expect to 10.0.0.1 RFS_ERR rule P03
from 10.0.0.1 register HOST#20 unique 255.255.255.255
expect to 10.0.0.1 RFS_ERR rule P03
from 10.0.0.1 register LAB#00 group 224.0.0.1
expect to 10.0.0.1 RFS_ERR rule P03
from 10.0.0.1 refresh HOST#20 unique 240.0.0.1
expect to 10.0.0.1 RFS_ERR rule P03
from 10.0.0.1 multihomed HOST#20 unique 127.0.0.1
expect to 10.0.0.1 RFS_ERR rule P03
state HOST#20 absent
from 127.0.0.3 register HOST#20 unique 127.0.0.1
expect to 127.0.0.3 ok rule R08
