given LATE#00 active mhomed 10.0.0.1 10.0.0.2 version 1
given MULTI#00 active mhomed 10.0.0.1 10.0.0.4 version 1 expires 1d
given WORK#1C active sgroup 10.0.0.1 10.0.0.4 version 2 expires 1d
given OTHER#1C active sgroup 10.0.0.1 10.0.0.4 owner 10.0.0.99 version 40 expires 1d
at 1h
from 10.0.0.4 release MULTI#00 unique 10.0.0.4
expect to 10.0.0.4 ok rule L09
state MULTI#00 active mhomed 10.0.0.1 version 1 expires 145h
from 10.0.0.1 release WORK#1C group 10.0.0.1
expect to 10.0.0.1 ok rule L09
state WORK#1C active sgroup 10.0.0.4 version 2 expires 145h
# The last one releases the name.
from 10.0.0.1 release MULTI#00 unique 10.0.0.1
expect to 10.0.0.1 ok rule L09 L10
state MULTI#00 released mhomed version 1
# A replica becomes ours.
from 10.0.0.1 release OTHER#1C group 10.0.0.1
expect to 10.0.0.1 ok rule L09
state OTHER#1C active sgroup 10.0.0.4 version 41 owner 10.0.0.53 expires 145h
# Nothing is said before it is on disk.
hold
from 10.0.0.1 release LATE#00 unique 10.0.0.1
expect none rule L09
state LATE#00 active mhomed 10.0.0.1 10.0.0.2
commit
expect to 10.0.0.1 ok flags b400
state LATE#00 active mhomed 10.0.0.2
