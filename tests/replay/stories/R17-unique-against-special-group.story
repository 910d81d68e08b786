# Such a name is none of the registry's own making: a unique 1C is refused before (R04).
given INET#20 active sgroup 10.0.0.1 version 1
from 10.0.0.2 register INET#20 unique 10.0.0.2
expect to 10.0.0.2 ACT_ERR rule R17
from 10.0.0.2 register INET#20 group 10.0.0.2
expect to 10.0.0.2 ACT_ERR rule R17
state INET#20 active sgroup 10.0.0.1 version 1
