given HOST#00 active unique 10.0.0.1 node H
# Latest expiry first, then own members, then the lowest address.
given MULTI#00 active mhomed 10.0.0.5@10.0.0.99+2d 10.0.0.7+2d 10.0.0.6+2d 10.0.0.8+3d 10.0.0.4@10.0.0.99+2d
from 10.0.0.9:1025 query HOST#00
expect to 10.0.0.9:1025 found HOST#00 10.0.0.1 flags 8580 node H ttl 0s rule Q05
from 10.0.0.9 query MULTI#00
expect to 10.0.0.9 found 10.0.0.8 10.0.0.6 10.0.0.7 10.0.0.4 10.0.0.5 node P rule Q05
