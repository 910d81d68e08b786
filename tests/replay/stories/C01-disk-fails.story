given HOST#1A active unique 10.0.0.1 version 1
from 10.0.0.2 register HOST#1A unique 10.0.0.2
expect to 10.0.0.2 wack rule R16
expect to 10.0.0.1 challenge
disk fails
from 10.0.0.1 deny HOST#1A
expect to 10.0.0.2 SRV_ERR rule C01
state HOST#1A active unique 10.0.0.1 version 1
