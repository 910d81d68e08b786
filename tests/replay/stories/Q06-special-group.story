given WORK#1C active sgroup 10.0.0.1+1d 10.0.0.2+2d 10.0.0.3+3d
from 10.0.0.9 query WORK#1C
expect to 10.0.0.9 found 10.0.0.3 10.0.0.2 10.0.0.1 group node B rule Q06
# The 1B name's address comes first, and once.
admin add WORK#1B unique 10.0.0.1
expect done
from 10.0.0.9 query WORK#1C
expect to 10.0.0.9 found 10.0.0.1 10.0.0.3 10.0.0.2 group node B rule Q06
