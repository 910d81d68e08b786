from 10.0.0.1 register GROUP#1B group 10.0.0.1
expect to 10.0.0.1 RFS_ERR rule R03
state GROUP#1B absent
# The unique one is a name like any other.
from 10.0.0.1 register GROUP#1B unique 10.0.0.1
expect to 10.0.0.1 ok rule R08
