# Only the address that was asked answers, with the id of the question and the name.
given HOST#00 active mhomed 10.0.0.1 10.0.0.4 version 1
from 10.0.0.2 register HOST#00 unique 10.0.0.2
expect to 10.0.0.2 wack rule R16
expect to 10.0.0.1 challenge
from 10.0.0.2 deny HOST#00
from 10.0.0.4 deny HOST#00
from 10.0.0.1 deny HOST#00 id 1
from 10.0.0.1 deny OTHER#00
from 10.0.0.1 reply OTHER#00 10.0.0.1
expect none
state HOST#00 active mhomed 10.0.0.1 10.0.0.4
at 1s
expect to 10.0.0.1 challenge
at 2s
expect to 10.0.0.1 challenge
at 3s
expect to 10.0.0.4 challenge
# Too late: now the other address is being asked.
from 10.0.0.1 reply HOST#00 10.0.0.1
expect none
from 10.0.0.4 reply HOST#00 10.0.0.4
expect to 10.0.0.2 ACT_ERR rule C03
# The challenge is over; what still comes is nobody's.
from 10.0.0.4 deny HOST#00
expect none
state HOST#00 active mhomed 10.0.0.1 10.0.0.4 version 1
