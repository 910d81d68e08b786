given HOST#1A active unique 10.0.0.1 version 1
from 10.0.0.2 register HOST#1A unique 10.0.0.2 ttl 1d
expect to 10.0.0.2 wack ttl 9s rule R16
expect to 10.0.0.1 challenge
at 1s
expect to 10.0.0.1 challenge
at 2s
expect to 10.0.0.1 challenge
at 3s
expect to 10.0.0.2 ok HOST#1A 10.0.0.2 ttl 1d rule C01
# The lease begins when the name is given.
state HOST#1A active unique 10.0.0.2 version 2 expires 86403s by 10.0.0.2
