# Nothing is said, and nothing is found, before the batch is on disk.
hold
from 10.0.0.1 register HOST#00 unique 10.0.0.1
from 10.0.0.9 query HOST#00
expect to 10.0.0.9 not-found rule Q11
# Later requests of the batch see the new record; their answers wait for it.
from 10.0.0.1:1025 register HOST#00 unique 10.0.0.1
from 10.0.0.2 release HOST#00 unique 10.0.0.2
expect none rule R08 R15 L07
state HOST#00 absent
commit
expect to 10.0.0.1 ok
expect to 10.0.0.1:1025 ok
expect to 10.0.0.2 ok flags b400
state HOST#00 active unique 10.0.0.1 version 1
# Two registrants in one batch: the second clashes with the first, who is not on disk yet.
hold
from 10.0.0.1 register TWO#00 unique 10.0.0.1
from 10.0.0.2 register TWO#00 unique 10.0.0.2
expect to 10.0.0.2 wack rule R16
expect to 10.0.0.1 challenge TWO#00
expect none rule R08
commit
expect to 10.0.0.1 ok
from 10.0.0.1 reply TWO#00 10.0.0.1
expect to 10.0.0.2 ACT_ERR rule C03
# Registered and released in one batch: the disk sees the last state.
hold
from 10.0.0.1 register GONE#00 unique 10.0.0.1 id 7
from 10.0.0.1 release GONE#00 unique 10.0.0.1 id 8
expect none rule R08 L08 L10
commit
expect to 10.0.0.1 ok id 7
expect to 10.0.0.1 ok id 8
state GONE#00 released unique 10.0.0.1
