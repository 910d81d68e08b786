given HOST#00 active unique 10.0.0.1 version 1
from 10.0.0.2 register HOST#00 unique 10.0.0.2
expect to 10.0.0.2 wack rule R16
expect to 10.0.0.1 challenge
admin delete HOST#00
expect done
from 10.0.0.1 deny HOST#00
expect to 10.0.0.2 ACT_ERR rule C05
state HOST#00 absent
