# A lease that is over holds nothing, whether it was cleared away or not; members of a group are no rivals.
config policy first-owner *#1A
config policy first-owner *#1C
given HOST#1A active unique 10.0.0.1 version 1 expires 6h
given DOM#1C active sgroup 10.0.0.1 version 2
at 5h
from 10.0.0.2 register HOST#1A unique 10.0.0.2
expect to 10.0.0.2 RFS_ERR rule P06
from 10.0.0.2 register DOM#1C group 10.0.0.2
expect to 10.0.0.2 ok rule R19
at 6h
from 10.0.0.2 register HOST#1A unique 10.0.0.2
expect to 10.0.0.2 wack rule R16
expect to 10.0.0.1 challenge
from 10.0.0.1 deny HOST#1A
expect to 10.0.0.2 ok rule C01
