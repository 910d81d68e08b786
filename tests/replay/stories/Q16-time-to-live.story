config own-name SERVER#20
given HOST#00 active unique 10.0.0.1
given WORK#00 active group 10.0.0.1
given WORK#1C active sgroup 10.0.0.1
from 10.0.0.9 query HOST#00
expect to 10.0.0.9 found rule Q05 Q16
from 10.0.0.9 query WORK#00
expect to 10.0.0.9 found rule Q03 Q16
from 10.0.0.9 query WORK#1C
expect to 10.0.0.9 found rule Q06 Q16
from 10.0.0.9 query SERVER#20
expect to 10.0.0.9 found rule Q12 Q16
