# Two ask for a dead holder's name: the first to finish gets it.
given HOST#00 active unique 10.0.0.1 version 1
from 10.0.0.2 register HOST#00 unique 10.0.0.2
expect to 10.0.0.2 wack rule R16
expect to 10.0.0.1 challenge
from 10.0.0.3 register HOST#00 unique 10.0.0.3
expect to 10.0.0.3 wack rule R16
expect to 10.0.0.1 challenge
from 10.0.0.1 deny HOST#00
expect to 10.0.0.3 ok rule C01
at 1s
expect to 10.0.0.1 challenge
at 2s
expect to 10.0.0.1 challenge
at 3s
expect to 10.0.0.2 ACT_ERR rule C05
state HOST#00 active unique 10.0.0.3 version 2
