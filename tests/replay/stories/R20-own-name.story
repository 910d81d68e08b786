config own-name SERVER#20
config own-name WORK#00 group
from 10.0.0.1 register SERVER#20 unique 10.0.0.1
expect to 10.0.0.1 ACT_ERR rule R20
from 10.0.0.1 refresh SERVER#20 unique 10.0.0.1
expect to 10.0.0.1 ACT_ERR rule R20
from 10.0.0.1 register SERVER#20 group 10.0.0.1
expect to 10.0.0.1 ACT_ERR rule R20
# A broadcast claim is answered as well, one of another name is not (Q13).
from 10.0.0.1 register SERVER#20 unique 10.0.0.1 flags 2910
expect to 10.0.0.1 ACT_ERR rule R20
from 10.0.0.1 release SERVER#20 unique 10.0.0.1 flags 3010
from 10.0.0.1 register WORK#00 group 10.0.0.1 flags 2910
expect none
state SERVER#20 absent
state WORK#00 absent
# A group that the server is in itself is registered as any other.
from 10.0.0.1 register WORK#00 group 10.0.0.1
expect to 10.0.0.1 ok rule R08
admin refused add SERVER#20 unique 10.0.0.1
