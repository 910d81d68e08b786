from 10.0.0.1 register GROUP#1E unique 10.0.0.1
expect to 10.0.0.1 RFS_ERR rule R05
state GROUP#1E absent
from 10.0.0.1 register GROUP#1E group 10.0.0.1
expect to 10.0.0.1 ok rule R08
