given HOST#00 active unique 10.0.0.1 version 5
from 10.0.0.2 register HOST#00 unique 10.0.0.2 id 77
expect to 10.0.0.2 wack ttl 9s rule R16
expect to 10.0.0.1 challenge HOST#00
at 500ms
from 10.0.0.2 register HOST#00 unique 10.0.0.2 id 77
expect none rule R07
# Another port is another request, with a challenge of its own; so is another flags word.
from 10.0.0.2:1025 register HOST#00 unique 10.0.0.2 id 77
expect to 10.0.0.2:1025 wack rule R16
expect to 10.0.0.1 challenge HOST#00
from 10.0.0.1 reply HOST#00 10.0.0.1
expect to 10.0.0.2:1025 ACT_ERR rule C03
from 10.0.0.2 refresh HOST#00 unique 10.0.0.2 id 77
expect to 10.0.0.2 wack rule R16
expect to 10.0.0.1 challenge HOST#00
from 10.0.0.1 reply HOST#00 10.0.0.1
expect to 10.0.0.2 ACT_ERR rule C03
at 900ms
from 10.0.0.2 register HOST#00 unique 10.0.0.2 id 77
expect none rule R07
at 1s
expect to 10.0.0.1 challenge
at 2s
expect to 10.0.0.1 challenge
at 3s
expect to 10.0.0.2 ok id 77 rule C01
# Once it is answered, the same packet is a refresh.
from 10.0.0.2 register HOST#00 unique 10.0.0.2 id 77
expect to 10.0.0.2 ok rule R15
