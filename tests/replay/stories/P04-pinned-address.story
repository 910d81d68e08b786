# One pin that is satisfied is enough; the holder is not even challenged; a pin is for every scope.
config policy pin MP_*#1A 10.1.0.0/16 192.0.2.7
config policy pin MP_PS1#1A 10.2.0.1
config policy pin WPAD#* 10.3.0.1
given MP_PS1#1A active unique 10.1.0.1 version 1
from 10.66.0.1 register MP_PS1#1A unique 10.66.0.1
expect to 10.66.0.1 RFS_ERR rule P04
from 10.66.0.1 register MP_PS2#1A.SCOPE unique 10.2.0.1
expect to 10.66.0.1 RFS_ERR rule P04
from 10.66.0.1 register WPAD#00 unique 10.66.0.1
expect to 10.66.0.1 RFS_ERR rule P04
from 10.66.0.1 register MP_PS1#20 unique 10.66.0.1
expect to 10.66.0.1 ok rule R08
from 10.1.0.1 register MP_PS2#1A unique 192.0.2.7
expect to 10.1.0.1 ok rule R08
from 10.2.0.1 refresh MP_PS1#1A unique 10.2.0.1
expect to 10.2.0.1 wack rule R16
expect to 10.1.0.1 challenge
from 10.1.0.1 deny MP_PS1#1A
expect to 10.2.0.1 ok rule C01
