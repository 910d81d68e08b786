from 10.0.0.1 register GROUP#1C unique 10.0.0.1
expect to 10.0.0.1 RFS_ERR rule R04
from 10.0.0.1 multihomed GROUP#1C unique 10.0.0.1
expect to 10.0.0.1 RFS_ERR rule R04
state GROUP#1C absent
