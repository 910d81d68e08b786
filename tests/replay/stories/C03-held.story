given HOST#00 active unique 10.0.0.1 version 1 expires 1d
from 10.0.0.2 register HOST#00 unique 10.0.0.2
expect to 10.0.0.2 wack rule R16
expect to 10.0.0.1 challenge
from 10.0.0.1 reply HOST#00 10.0.0.1
expect to 10.0.0.2 ACT_ERR rule C03
state HOST#00 active unique 10.0.0.1 version 1 expires 1d
