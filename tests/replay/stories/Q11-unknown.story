from 10.0.0.9 query HOST#00
expect to 10.0.0.9 not-found HOST#00 flags 8403 rule Q11
from 10.0.0.9 query MP_PS1#1A
expect to 10.0.0.9 not-found rule Q11
