# A holder answers as often as others have it challenged: that uses up nothing, and nothing keeps its answer from being heard.
config policy register-rate 1
from 10.0.0.1 register HOST#20 unique 10.0.0.1
expect to 10.0.0.1 ok rule R08
from 10.0.0.1 register OTHER#20 unique 10.0.0.1
expect to 10.0.0.1 ok rule R08
from 10.0.0.1 register THIRD#20 unique 10.0.0.1
expect none rule P07
from 10.0.0.2 register HOST#20 unique 10.0.0.2
expect to 10.0.0.2 wack rule R16
expect to 10.0.0.1 challenge
from 10.0.0.1 reply HOST#20 10.0.0.1
expect to 10.0.0.2 ACT_ERR rule C03
