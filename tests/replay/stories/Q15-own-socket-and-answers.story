given HOST#00 active unique 10.0.0.1
# Address and port are our own socket: dropped, whatever it is.
from 10.0.0.53:137 query HOST#00
expect none rule Q15
from 10.0.0.53:137 register NEW#00 unique 10.0.0.53
expect none rule Q15
# Our address alone is a neighbour on the same host.
from 10.0.0.53:1025 query HOST#00
expect to 10.0.0.53:1025 found 10.0.0.1 rule Q05
from 10.0.0.53:1025 register NEW#00 unique 10.0.0.53
expect to 10.0.0.53:1025 ok rule R08
# Answers that nobody asked for.
from 10.0.0.1 reply HOST#00 10.0.0.1 id 5
from 10.0.0.1 deny HOST#00 id 6
expect none
