given HOST#00 active unique 10.0.0.1 static version 1
given MULTI#00 active mhomed 10.0.0.1 10.0.0.4 static version 2
from 10.0.0.1 release HOST#00 unique 10.0.0.1
expect to 10.0.0.1 ok flags b400 rule L05
from 10.0.0.1 release MULTI#00 unique 10.0.0.1
expect to 10.0.0.1 ok flags b400 rule L05
state HOST#00 active unique 10.0.0.1 static version 1
state MULTI#00 active mhomed 10.0.0.1 10.0.0.4 static version 2
