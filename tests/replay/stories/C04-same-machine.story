# The holder lists the new address: addresses it no longer has go, the others become ours, the new one is added.
given HOST#00 active mhomed 10.0.0.1 10.0.0.4 10.0.0.5 owner 10.0.0.99 version 40
from 10.0.0.2 multihomed HOST#00 unique 10.0.0.2 ttl 1d
expect to 10.0.0.2 wack ttl 17s rule R16
expect to 10.0.0.1 challenge
from 10.0.0.1 reply HOST#00 10.0.0.1 10.0.0.2 10.0.0.5
expect to 10.0.0.2 ok rule C04
state HOST#00 active mhomed 10.0.0.1@10.0.0.53+1d 10.0.0.5@10.0.0.53+1d 10.0.0.2@10.0.0.53+1d owner 10.0.0.53 version 41 expires 1d
