queue full
from 10.0.0.2 register NEW#20 unique 10.0.0.2
expect to 10.0.0.2 SRV_ERR rule B02
state NEW#20 absent
