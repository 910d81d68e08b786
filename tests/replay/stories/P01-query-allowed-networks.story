config policy allow-query 10.0.0.0/24
config policy deny-query 10.0.0.128/25
config own-name SERVER#20
from 10.0.0.127 query HOST#20
expect to 10.0.0.127 not-found rule Q11
from 10.0.0.128 status SERVER#20
expect none rule P01
from 10.0.1.1 query HOST#20 flags 0110
expect none rule P01
