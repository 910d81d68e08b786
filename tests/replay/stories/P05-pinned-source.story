config policy pin SMS_SLP#1A 10.1.0.0/16 source
from 10.66.0.1 register SMS_SLP#1A unique 10.1.0.1
expect to 10.66.0.1 RFS_ERR rule P05
from 10.66.0.1 register SMS_SLP#1A unique 10.66.0.1
expect to 10.66.0.1 RFS_ERR rule P04
from 10.1.0.9 register SMS_SLP#1A unique 10.1.0.1
expect to 10.1.0.9 ok rule R08
