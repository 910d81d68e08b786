given WORK#1B active unique 10.0.0.1
from 10.0.0.9 query *#1B
expect to 10.0.0.9 not-found rule Q08
