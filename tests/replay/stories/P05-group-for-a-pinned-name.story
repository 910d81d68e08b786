# A group answers 255.255.255.255 whatever address it was registered with: its sender must be within the networks.
config policy pin MP_*#1A 10.1.0.0/16
from 10.66.0.1 register MP_PS1#1A group 10.1.0.1
expect to 10.66.0.1 RFS_ERR rule P05
from 10.66.0.1 register MP_PS1#1A unique 10.1.0.1
expect to 10.66.0.1 ok rule R08
from 10.1.0.9 register MP_PS2#1A group 10.1.0.9
expect to 10.1.0.9 ok rule R08
