# A normal group is never replaced by anything else, not even when it was released.
given WORK#00 active group 10.0.0.1 version 1
given GONE#00 released group 10.0.0.1 version 2
given DEAD#00 tombstone group 10.0.0.1 version 3
from 10.0.0.2 register WORK#00 unique 10.0.0.2
expect to 10.0.0.2 ACT_ERR rule R11
from 10.0.0.2 multihomed GONE#00 unique 10.0.0.2
expect to 10.0.0.2 ACT_ERR rule R11
from 10.0.0.2 register DEAD#00 unique 10.0.0.2
expect to 10.0.0.2 ACT_ERR rule R11
state WORK#00 active group 10.0.0.1 version 1
state GONE#00 released group 10.0.0.1 version 2
state DEAD#00 tombstone group 10.0.0.1 version 3
