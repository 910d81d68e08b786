# The packet's source decides, not the address inside it.
given HOST#00 active unique 10.0.0.1 version 1
given WORK#00 active group 10.0.0.1 version 2
given MULTI#00 active mhomed 10.0.0.1 10.0.0.4 version 3
from 10.0.0.2 release HOST#00 unique 10.0.0.1
expect to 10.0.0.2 ok flags b400 rule L07
from 10.0.0.2 release WORK#00 group 10.0.0.1
expect to 10.0.0.2 ok flags b400 rule L07
from 10.0.0.2 release MULTI#00 unique 10.0.0.4
expect to 10.0.0.2 ok flags b400 rule L07
state HOST#00 active unique 10.0.0.1 version 1
state WORK#00 active group 10.0.0.1 version 2
state MULTI#00 active mhomed 10.0.0.1 10.0.0.4 version 3
