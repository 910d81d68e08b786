given WORK#00 active group 10.0.0.1 static version 1
given WORK#1C active sgroup 10.0.0.1 static version 2
from 10.0.0.1 release WORK#00 group 10.0.0.1
expect to 10.0.0.1 ACT_ERR flags b406 rule L06
from 10.0.0.1 release WORK#1C group 10.0.0.1
expect to 10.0.0.1 ACT_ERR flags b406 rule L06
state WORK#00 active group 10.0.0.1 static version 1
state WORK#1C active sgroup 10.0.0.1 static version 2
