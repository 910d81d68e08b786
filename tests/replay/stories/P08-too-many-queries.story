config policy query-rate 1
from 10.0.0.1 query HOST#20
expect to 10.0.0.1 not-found rule Q11
from 10.0.0.1 query HOST#20
expect to 10.0.0.1 not-found rule Q11
from 10.0.0.1 query HOST#20
expect none rule P08
from 10.0.0.2 query HOST#20
expect to 10.0.0.2 not-found rule Q11
from 10.0.0.1 register HOST#20 unique 10.0.0.1
expect to 10.0.0.1 ok rule R08
at 1s
from 10.0.0.1 query HOST#20
expect to 10.0.0.1 found 10.0.0.1 rule Q05
