# A static record replaces what is there, never expires and is confirmed when it is on disk.
given HOST#20 active unique 10.0.0.1 version 4
hold
admin add HOST#20 unique 10.0.0.2
from 10.0.0.9 query HOST#20
expect to 10.0.0.9 found 10.0.0.1 rule Q05
commit
expect done
state HOST#20 active unique 10.0.0.2 static version 5 expires never owner 10.0.0.53
from 10.0.0.9 query HOST#20
expect to 10.0.0.9 found 10.0.0.2 rule Q05
# Several addresses make it multi-homed, a 1C group is a special group.
admin add MULTI#20 unique 10.0.0.2 10.0.0.3
expect done
state MULTI#20 active mhomed 10.0.0.2 10.0.0.3 static version 6
admin add WORK#1C group 10.0.0.2
expect done
state WORK#1C active sgroup 10.0.0.2 static version 7
admin add WORK#00 group 10.0.0.2
expect done
admin delete WORK#00
expect done
state WORK#00 absent
# What the rules never allow is refused.
admin refused add WORK#1B group 10.0.0.2
admin refused add WORK#1C unique 10.0.0.2
admin refused add WORK#1D unique 10.0.0.2
admin refused add WORK#1E unique 10.0.0.2
admin refused add HOST#20 unique
