given HOST#1A active unique 10.0.0.1 version 1
from 10.0.0.2 multihomed HOST#1A unique 10.0.0.2
expect to 10.0.0.2 wack rule R16
expect to 10.0.0.1 challenge
hold
from 10.0.0.1 deny HOST#1A
expect none rule C01
commit
expect to 10.0.0.2 ok
state HOST#1A active mhomed 10.0.0.2 version 2
