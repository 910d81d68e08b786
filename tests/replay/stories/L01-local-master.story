given GROUP#1D active group 10.0.0.1
from 10.0.0.1 release GROUP#1D group 10.0.0.1 ttl 0s
expect to 10.0.0.1 ok GROUP#1D 10.0.0.1 flags b400 ttl 0s rule L01
state GROUP#1D active group 10.0.0.1
