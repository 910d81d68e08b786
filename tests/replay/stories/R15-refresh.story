given HOST#00 active unique 10.0.0.1 version 1 expires 1d
given MULTI#00 active mhomed 10.0.0.1+1d 10.0.0.4+1d version 2 expires 1d
given MANY#00 active mhomed 10.0.0.1+5d 10.0.0.2+5d version 3 expires 5d
given LONE#00 active unique 10.0.0.1+5d version 4 expires 5d
given HELD#00 active unique 10.0.0.1+5d version 5 expires 5d
at 1h
from 10.0.0.1 refresh HOST#00 unique 10.0.0.1 ttl 6d
expect to 10.0.0.1 ok HOST#00 10.0.0.1 ttl 6d rule R15
state HOST#00 active unique 10.0.0.1+145h version 1 expires 145h
from 10.0.0.4 refresh9 MULTI#00 unique 10.0.0.4 ttl 6d
expect to 10.0.0.4 ok rule R15
state MULTI#00 active mhomed 10.0.0.1+1d 10.0.0.4+145h version 2 expires 145h
# A short lease of one address does not end that of the other; the lease of a single one is what was asked for last.
from 10.0.0.2 refresh MANY#00 unique 10.0.0.2 ttl 6h
expect to 10.0.0.2 ok ttl 6h rule R15
state MANY#00 active mhomed 10.0.0.1+5d 10.0.0.2+7h version 3 expires 5d
from 10.0.0.1 refresh LONE#00 unique 10.0.0.1 ttl 6h
expect to 10.0.0.1 ok ttl 6h rule R15
state LONE#00 active unique 10.0.0.1+7h version 4 expires 7h
# Not behind the holder's back: who names an address that is not his own ends no lease of it, but may make it longer.
from 10.0.0.9 refresh HELD#00 unique 10.0.0.1 ttl 6h
expect to 10.0.0.9 ok ttl 6h rule R15
state HELD#00 active unique 10.0.0.1+5d version 5 expires 5d
from 10.0.0.9 multihomed MULTI#00 unique 10.0.0.1 ttl 6d
expect to 10.0.0.9 ok ttl 6d rule R15
state MULTI#00 active mhomed 10.0.0.1+145h 10.0.0.4+145h version 2 expires 145h
# A plain refresh need not wait for the disk ...
hold
from 10.0.0.1 refresh HOST#00 unique 10.0.0.1
expect to 10.0.0.1 ok rule R15
# ... and its time is in the next batch.
at 2h
from 10.0.0.1 refresh HOST#00 unique 10.0.0.1
expect to 10.0.0.1 ok rule R15
state HOST#00 active unique 10.0.0.1 version 1 expires 145h
commit
state HOST#00 active unique 10.0.0.1 version 1 expires 146h
# A batch that fails leaves the lease as it was.
hold
disk fails
at 3h
from 10.0.0.1 refresh HOST#00 unique 10.0.0.1
expect to 10.0.0.1 ok rule R15
commit
state HOST#00 active unique 10.0.0.1 version 1 expires 146h
