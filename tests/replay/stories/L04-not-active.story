given HOST#00 released unique 10.0.0.1 version 1 expires 1d
given DEAD#00 tombstone unique 10.0.0.1 version 2 expires 1d
from 10.0.0.1 release HOST#00 unique 10.0.0.1
expect to 10.0.0.1 ok flags b400 rule L04
from 10.0.0.1 release DEAD#00 unique 10.0.0.1
expect to 10.0.0.1 ok flags b400 rule L04
state HOST#00 released unique 10.0.0.1 version 1 expires 1d
state DEAD#00 tombstone unique 10.0.0.1 version 2 expires 1d
