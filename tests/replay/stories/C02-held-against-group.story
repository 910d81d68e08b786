given HOST#00 active unique 10.0.0.1 version 1
from 10.0.0.2 register HOST#00 group 10.0.0.2
expect to 10.0.0.2 wack rule R14
expect to 10.0.0.1 challenge HOST#00
# Even when the holder lists the new address.
from 10.0.0.1 reply HOST#00 10.0.0.1 10.0.0.2
expect to 10.0.0.2 ACT_ERR rule C02
state HOST#00 active unique 10.0.0.1 version 1
