# Released ones count too; what adds no name is not refused, nor what the first rows decide, nor the administrator.
config names-max 3
config own-name SERVER#20
config policy burst 10
given HOST#20 active unique 10.0.0.1 version 1
given OLD#20 released unique 10.0.0.3 version 2
given DOM#1C active sgroup 10.0.0.1 version 3
from 10.0.0.2 register NEW#20 unique 10.0.0.2
expect to 10.0.0.2 RFS_ERR rule P09
state NEW#20 absent
queue 11
from 10.0.0.2 register NEW#20 unique 10.0.0.2
expect to 10.0.0.2 RFS_ERR rule P09
queue 1
from 10.0.0.2 register SUBNET#1D unique 10.0.0.2
expect to 10.0.0.2 ok rule R02
from 10.0.0.2 register SERVER#20 unique 10.0.0.2
expect to 10.0.0.2 ACT_ERR rule R20
from 10.0.0.1 refresh HOST#20 unique 10.0.0.1
expect to 10.0.0.1 ok rule R15
from 10.0.0.2 register DOM#1C group 10.0.0.2
expect to 10.0.0.2 ok rule R19
from 10.0.0.2 register OLD#20 unique 10.0.0.2
expect to 10.0.0.2 ok rule R13
from 10.0.0.2 release OLD#20 unique 10.0.0.2
expect to 10.0.0.2 ok rule L08 L10
admin add FIXED#20 unique 10.0.0.9
expect done
admin delete FIXED#20
expect done
# In one batch: one name goes, one of the two that come has its place.
hold
admin delete OLD#20
from 10.0.0.4 register FIRST#20 unique 10.0.0.4
from 10.0.0.5 register SECOND#20 unique 10.0.0.5
expect to 10.0.0.5 RFS_ERR rule P09
commit
expect done
expect to 10.0.0.4 ok rule R08
state SECOND#20 absent
