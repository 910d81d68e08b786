# What was granted to the other address of the machine is not taken back; where less was granted it is confirmed just now.
given LONG#00 active mhomed 10.0.0.1+5d 10.0.0.3+1h version 1 expires 5d
from 10.0.0.2 multihomed LONG#00 unique 10.0.0.2 ttl 6h
expect to 10.0.0.2 wack rule R16
expect to 10.0.0.1 challenge
from 10.0.0.1 reply LONG#00 10.0.0.1 10.0.0.2 10.0.0.3
expect to 10.0.0.2 ok ttl 6h rule C04
state LONG#00 active mhomed 10.0.0.1+5d 10.0.0.3+6h 10.0.0.2+6h version 2 expires 5d
