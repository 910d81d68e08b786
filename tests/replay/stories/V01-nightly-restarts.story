# The period goes by real time that the database keeps: a server that is restarted every night scavenges all the same.
config scavenge-period 3d
given HOST#00 active unique 10.0.0.1 version 1 expires 30h
at 1m
restart
at 1d
restart
at 2d
state HOST#00 active unique 10.0.0.1 version 1
restart
at 71h
state HOST#00 active unique 10.0.0.1 version 1
restart
at 73h
expect none rule V01
state HOST#00 released unique 10.0.0.1 version 1
