# An administrator releases what its holder cannot: our own record waits out the extinction interval, a replica becomes our tombstone.
config extinction-interval 4d
config extinction-timeout 2d
given HOST#00 active mhomed 10.0.0.1 10.0.0.2 version 3
given FAR#00 active unique 10.0.0.3 owner 10.0.0.99 version 9
given FIXED#00 active unique 10.0.0.4 static version 5 expires never
given FIXED#1C active sgroup 10.0.0.4 static version 6 expires never
at 1h
hold
admin release HOST#00
state HOST#00 active mhomed 10.0.0.1 10.0.0.2 version 3
commit
expect done
state HOST#00 released mhomed 10.0.0.1 10.0.0.2 version 3 expires 97h
admin release FAR#00
expect done
state FAR#00 tombstone unique 10.0.0.3 owner 10.0.0.53 version 10 expires 145h
# Static names are not released; what is released already stays.
admin refused release FIXED#00
admin refused release FIXED#1C
at 2h
admin release HOST#00
expect done
state HOST#00 released mhomed 10.0.0.1 10.0.0.2 version 3 expires 97h
