given HOST#00 active unique 10.0.0.1 version 1
given MOVED#00 active unique 10.0.0.1 version 2
from 10.0.0.2 register HOST#00 unique 10.0.0.2
expect to 10.0.0.2 wack rule R16
expect to 10.0.0.1 challenge
from 10.0.0.1 reply HOST#00 10.0.0.2 10.0.0.1
expect to 10.0.0.2 ok rule C04
state HOST#00 active mhomed 10.0.0.1 10.0.0.2 version 3
# Only the new address is left: the name stays unique.
from 10.0.0.2 register MOVED#00 unique 10.0.0.2
expect to 10.0.0.2 wack rule R16
expect to 10.0.0.1 challenge
from 10.0.0.1 reply MOVED#00 10.0.0.2
expect to 10.0.0.2 ok rule C04
state MOVED#00 active unique 10.0.0.2 version 4
