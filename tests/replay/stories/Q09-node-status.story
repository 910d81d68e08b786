config own-name SERVER#00
config own-name SERVER#20
config own-name WORK#00 group
from 10.0.0.9 status *#00
expect to 10.0.0.9 status SERVER#00 SERVER#20 WORK#00 flags 8400 rule Q09
from 10.0.0.9 status SERVER#20
expect to 10.0.0.9 status SERVER#00 SERVER#20 WORK#00 rule Q09
