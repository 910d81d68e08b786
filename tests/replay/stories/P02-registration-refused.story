# Denied goes before allowed; releases are judged by the rows of release alone; the administrator is exempt.
config policy allow-register 10.0.0.0/8
config policy deny-register 10.9.0.0/16
given OLD#20 active unique 10.9.0.1 version 1
from 10.9.0.1 register HOST#20 unique 10.0.0.1
expect to 10.9.0.1 RFS_ERR rule P02
from 192.0.2.1 refresh HOST#20 unique 10.0.0.1
expect to 192.0.2.1 RFS_ERR rule P02
from 10.0.0.1 register HOST#20 unique 10.9.0.1
expect to 10.0.0.1 ok rule R08
from 10.9.0.1 release OLD#20 unique 10.9.0.1
expect to 10.9.0.1 ok rule L08 L10
admin add FIXED#20 unique 10.9.0.1
expect done
