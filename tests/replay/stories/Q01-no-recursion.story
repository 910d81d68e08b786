given HOST#00 active unique 10.0.0.1
from 10.0.0.9 query HOST#00 flags 0000
expect to 10.0.0.9 not-found HOST#00 flags 8403 rule Q01
