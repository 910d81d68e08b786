given WORK#1B active unique 10.0.0.1
given GONE#1C released sgroup 10.0.0.1
given GONE#1B active unique 10.0.0.1
from 10.0.0.9 query WORK#1C
expect to 10.0.0.9 not-found rule Q07
from 10.0.0.9 query GONE#1C
expect to 10.0.0.9 not-found rule Q07
