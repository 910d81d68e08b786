given OLD#00 active unique 10.0.0.1 version 4
disk fails
from 10.0.0.1 register HOST#00 unique 10.0.0.1
expect to 10.0.0.1 SRV_ERR HOST#00 rule R08
state HOST#00 absent
from 10.0.0.1 release OLD#00 unique 10.0.0.1
expect to 10.0.0.1 SRV_ERR flags b402 rule L08 L10
state OLD#00 active unique 10.0.0.1
admin add ADMIN#00 unique 10.0.0.1
expect failed
admin delete OLD#00
expect failed
state OLD#00 active unique 10.0.0.1
disk works
# A version id is not handed out twice: 5 and 6 are lost.
from 10.0.0.1 register HOST#00 unique 10.0.0.1
expect to 10.0.0.1 ok rule R08
state HOST#00 active unique 10.0.0.1 version 7
