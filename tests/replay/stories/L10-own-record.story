config extinction-interval 4d
given HOST#00 active unique 10.0.0.1 version 1
at 1h
from 10.0.0.1 release HOST#00 unique 10.0.0.1
expect to 10.0.0.1 ok rule L08 L10
state HOST#00 released unique 10.0.0.1 version 1 expires 97h owner 10.0.0.53
