# A tombstone, as against a deletion, is a change of ours with a new version; a static name may become one.
config extinction-timeout 2d
given HOST#00 active unique 10.0.0.1 version 3
given FAR#00 released unique 10.0.0.3 owner 10.0.0.99 version 9
given FIXED#00 active unique 10.0.0.4 static version 5 expires never
given WORK#00 active group 10.0.0.1 version 6
at 1h
hold
admin tombstone HOST#00
state HOST#00 active unique 10.0.0.1 version 3
commit
expect done
state HOST#00 tombstone unique 10.0.0.1 version 10 expires 49h owner 10.0.0.53
admin tombstone FAR#00
expect done
state FAR#00 tombstone unique 10.0.0.3 version 11 expires 49h owner 10.0.0.53
admin tombstone FIXED#00
expect done
state FIXED#00 tombstone unique 10.0.0.4 version 12 expires 49h
admin tombstone WORK#00
expect done
state WORK#00 tombstone group 10.0.0.1 version 13
# A second time changes nothing.
at 2h
admin tombstone HOST#00
expect done
state HOST#00 tombstone unique 10.0.0.1 version 10 expires 49h
from 10.0.0.9 query FIXED#00
expect to 10.0.0.9 not-found rule Q04
from 10.0.0.4 register FIXED#00 unique 10.0.0.4
expect to 10.0.0.4 ok rule R13
state FIXED#00 active unique 10.0.0.4 version 14
# The disk fails: nothing has happened.
disk fails
admin tombstone FIXED#00
expect failed
admin release FIXED#00
expect failed
state FIXED#00 active unique 10.0.0.4 version 14
