config own-name SERVER#20
config own-name WORK#00 group
from 10.0.0.9 query SERVER#20
expect to 10.0.0.9 found 10.0.0.53 node P rule Q12
from 10.0.0.9 query SERVER#20 flags 0000
expect to 10.0.0.9 found 10.0.0.53 rule Q12
from 10.0.0.9 query SERVER#20 flags 0010
expect to 10.0.0.9 found 10.0.0.53 rule Q12
from 10.0.0.9 query *#00 flags 0000
expect to 10.0.0.9 found 10.0.0.53 rule Q12
# A group of its own is answered node to node; with recursion desired the registry is asked.
from 10.0.0.9 query WORK#00 flags 0000
expect to 10.0.0.9 found 10.0.0.53 group node P rule Q12
from 10.0.0.9 query WORK#00
expect to 10.0.0.9 not-found rule Q11
from 10.0.0.1 register WORK#00 group 10.0.0.1
expect to 10.0.0.1 ok rule R08
from 10.0.0.9 query WORK#00
expect to 10.0.0.9 found 255.255.255.255 rule Q03
