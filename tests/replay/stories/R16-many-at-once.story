given A#00 active unique 10.0.0.1 version 1
given B#00 active unique 10.0.0.2 version 2
from 10.0.0.8 register A#00 unique 10.0.0.8
expect to 10.0.0.8 wack rule R16
expect to 10.0.0.1 challenge A#00
at 500ms
from 10.0.0.9 register B#00 unique 10.0.0.9
expect to 10.0.0.9 wack rule R16
expect to 10.0.0.2 challenge B#00
from 10.0.0.2 deny B#00
expect to 10.0.0.9 ok rule C01
state B#00 active unique 10.0.0.9 version 3
at 1s
expect to 10.0.0.1 challenge A#00
from 10.0.0.1 reply A#00 10.0.0.1
expect to 10.0.0.8 ACT_ERR rule C03
at 1m
expect none
