given HOST#00 active unique 10.0.0.1
from 10.0.0.9 query HOST#00 flags 0110
expect none rule Q13
# Broadcast registrations and releases are none of the registry's business either.
from 10.0.0.1 register NEW#00 unique 10.0.0.1 flags 2910
from 10.0.0.1 release HOST#00 unique 10.0.0.1 flags 3010
expect none
state NEW#00 absent
state HOST#00 active unique 10.0.0.1
