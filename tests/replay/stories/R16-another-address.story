# One packet a second, three to each address, one address after another; the WACK covers it all.
given HOST#00 active mhomed 10.0.0.1 10.0.0.4 version 1
from 10.0.0.2 register HOST#00 unique 10.0.0.2
expect to 10.0.0.2 wack HOST#00 ttl 13s rule R16
expect to 10.0.0.1 challenge HOST#00 flags 0100
at 900ms
expect none
at 1s
expect to 10.0.0.1 challenge
at 2s
expect to 10.0.0.1 challenge
at 3s
expect to 10.0.0.4 challenge
at 4s
expect to 10.0.0.4 challenge
at 5s
expect to 10.0.0.4 challenge
at 5900ms
expect none
state HOST#00 active mhomed 10.0.0.1 10.0.0.4 version 1
at 6s
expect to 10.0.0.2 ok HOST#00 10.0.0.2 ttl 6d rule C01
state HOST#00 active unique 10.0.0.2 version 2
# A refresh of an address that is not in the record is no exception.
from 10.0.0.3 refresh HOST#00 unique 10.0.0.3
expect to 10.0.0.3 wack rule R16
expect to 10.0.0.2 challenge
from 10.0.0.2 reply HOST#00 10.0.0.2
expect to 10.0.0.3 ACT_ERR rule C03
# The socket that took the request sends everything that belongs to it.
from 10.0.0.3:1025 on 1 register HOST#00 unique 10.0.0.3
expect to 10.0.0.3:1025 on 1 wack rule R16
expect to 10.0.0.2 on 1 challenge
from 10.0.0.2 on 1 reply HOST#00 10.0.0.2
expect to 10.0.0.3:1025 on 1 ACT_ERR rule C03
