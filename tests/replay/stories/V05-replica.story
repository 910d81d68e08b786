given GONE#00 tombstone unique 10.0.0.1 owner 10.0.0.99 version 3 expires 1h
given FREE#00 released unique 10.0.0.1 owner 10.0.0.99 version 4 expires 1h
given STAYS#00 tombstone unique 10.0.0.1 owner 10.0.0.99 version 5 expires 3h
# An active replica is its owner's to end.
given LIVE#00 active unique 10.0.0.1 owner 10.0.0.99 version 6 expires 1h
at 2h
admin scavenge
expect done
expect none rule V05 V05
state GONE#00 absent
state FREE#00 absent
state STAYS#00 tombstone unique 10.0.0.1 owner 10.0.0.99 version 5
state LIVE#00 active unique 10.0.0.1 owner 10.0.0.99 version 6
