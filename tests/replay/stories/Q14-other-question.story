given HOST#00 active unique 10.0.0.1
from 10.0.0.9 query HOST#00 type 0001
expect none rule Q14
from 10.0.0.9 query *#00 type 00ff
expect none rule Q14
