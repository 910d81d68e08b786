# Even the holder itself is challenged when it asks for a group of its unique name.
given HOST#00 active unique 10.0.0.1 version 1
from 10.0.0.1:1025 register HOST#00 group 10.0.0.1
expect to 10.0.0.1:1025 wack ttl 9s rule R14
expect to 10.0.0.1 challenge HOST#00
from 10.0.0.1 reply HOST#00 10.0.0.1
expect to 10.0.0.1:1025 ACT_ERR rule C02
state HOST#00 active unique 10.0.0.1 version 1
# A holder that is gone loses the name to the group.
from 10.0.0.2 register HOST#00 group 10.0.0.2
expect to 10.0.0.2 wack rule R14
expect to 10.0.0.1 challenge
at 1s
expect to 10.0.0.1 challenge
at 2s
expect to 10.0.0.1 challenge
at 3s
expect to 10.0.0.2 ok rule C01
state HOST#00 active group 10.0.0.2 version 2
