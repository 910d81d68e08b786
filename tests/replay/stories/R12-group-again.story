# Another member extends the lease; the record keeps its first registrant's address and its version.
given WORK#00 active group 10.0.0.1 version 1 expires 1d
given REPLICA#00 active group 10.0.0.1 owner 10.0.0.99 version 40 expires 1d
at 1h
from 10.0.0.2 register WORK#00 group 10.0.0.2 ttl 6d
expect to 10.0.0.2 ok ttl 6d rule R12
state WORK#00 active group 10.0.0.1 version 1 expires 145h owner 10.0.0.53
# A replica becomes ours, with a version of ours.
from 10.0.0.2 refresh REPLICA#00 group 10.0.0.2 ttl 6d
expect to 10.0.0.2 ok rule R12
state REPLICA#00 active group 10.0.0.1@10.0.0.53 version 41 expires 145h owner 10.0.0.53
# A registrant that asks for a short lease does not end that of the others.
from 10.0.0.3 refresh WORK#00 group 10.0.0.3 ttl 6h
expect to 10.0.0.3 ok ttl 6h rule R12
state WORK#00 active group 10.0.0.1 version 1 expires 145h owner 10.0.0.53
