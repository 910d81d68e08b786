# The holder is not asked; its own refresh goes on; after release anybody may have the name.
config policy first-owner HOS?#20
from 10.0.0.1 register HOST#20 unique 10.0.0.1
expect to 10.0.0.1 ok rule R08
from 10.0.0.2 register HOST#20 unique 10.0.0.2
expect to 10.0.0.2 RFS_ERR rule P06
from 10.0.0.1 multihomed HOST#20 unique 10.0.0.2
expect to 10.0.0.1 RFS_ERR rule P06
from 10.0.0.1 refresh HOST#20 unique 10.0.0.1
expect to 10.0.0.1 ok rule R15
from 10.0.0.2 register HOST#00 unique 10.0.0.2
expect to 10.0.0.2 ok rule R08
from 10.0.0.1 release HOST#20 unique 10.0.0.1
expect to 10.0.0.1 ok rule L08 L10
from 10.0.0.2 register HOST#20 unique 10.0.0.2
expect to 10.0.0.2 ok rule R13
# As a group the name would be lost for ever: no claim of the owner's address makes it one.
from 10.0.0.9 register HOST#20 group 10.0.0.2
expect to 10.0.0.9 RFS_ERR rule P06
