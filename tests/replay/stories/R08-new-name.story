from 10.0.0.1 register MP_PS1#1A unique 10.0.0.1 ttl 6d node H
expect to 10.0.0.1 ok MP_PS1#1A 10.0.0.1 ttl 6d node H rule R08
state MP_PS1#1A active unique 10.0.0.1 version 1 expires 6d owner 10.0.0.53 node H by 10.0.0.1
from 10.0.0.1 query MP_PS1#1A
expect to 10.0.0.1 found MP_PS1#1A 10.0.0.1 node H ttl 0s rule Q05
# The lease is clamped to 6 hours to 6 days, and the answer says what was stored (OQ2); 0 is no exception.
from 10.0.0.1 register SHORT#00 unique 10.0.0.1 ttl 60s
expect to 10.0.0.1 ok ttl 6h rule R08
state SHORT#00 active unique 10.0.0.1 version 2 expires 6h
from 10.0.0.1 register LONG#00 unique 10.0.0.1 ttl 60d
expect to 10.0.0.1 ok ttl 6d rule R08
state LONG#00 active unique 10.0.0.1 version 3 expires 6d
from 10.0.0.1 register NEVER#00 unique 10.0.0.1 ttl 0s
expect to 10.0.0.1 ok ttl 6h rule R08
# All four operations are one path, whatever the bit "recursion desired" says, and the answer is always one to operation 5.
from 10.0.0.1 refresh R8#00 unique 10.0.0.1
expect to 10.0.0.1 ok flags ad80 rule R08
from 10.0.0.1 refresh9 R9#00 unique 10.0.0.1
expect to 10.0.0.1 ok flags ad80 rule R08
from 10.0.0.1 multihomed MH#00 unique 10.0.0.1 flags 7800
expect to 10.0.0.1 ok flags ad80 rule R08
state MH#00 active mhomed 10.0.0.1
from 10.0.0.1 register RD0#00 unique 10.0.0.1 flags 2800
expect to 10.0.0.1 ok rule R08
# The address need not be the source's; of several the first counts.
from 10.0.0.9:1025 register PROXY#00 unique 10.0.0.1 10.0.0.2
expect to 10.0.0.9:1025 ok 10.0.0.1 rule R08
state PROXY#00 active unique 10.0.0.1 by 10.0.0.9
# Groups: 1C is a special group, everything else a normal one.
from 10.0.0.1 register WORK#00 group 10.0.0.1
expect to 10.0.0.1 ok rule R08
state WORK#00 active group 10.0.0.1
from 10.0.0.1 register WORK#1C group 10.0.0.1
expect to 10.0.0.1 ok rule R08
state WORK#1C active sgroup 10.0.0.1
