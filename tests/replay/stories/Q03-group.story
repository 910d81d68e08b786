given WORK#00 active group 10.0.0.1
given GONE#00 released group 10.0.0.1
given DEAD#1E tombstone group 10.0.0.1
from 10.0.0.9 query WORK#00
expect to 10.0.0.9 found 255.255.255.255 group node B ttl 0s rule Q03
from 10.0.0.9 query GONE#00
expect to 10.0.0.9 found 255.255.255.255 rule Q03
from 10.0.0.9 query DEAD#1E
expect to 10.0.0.9 found 255.255.255.255 rule Q03
