given HOST#00 released unique 10.0.0.1
given MULTI#00 tombstone mhomed 10.0.0.1 10.0.0.2
from 10.0.0.9 query HOST#00
expect to 10.0.0.9 not-found rule Q04
from 10.0.0.9 query MULTI#00
expect to 10.0.0.9 not-found rule Q04
