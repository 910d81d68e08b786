# Two seconds' worth is saved up; then what a second allows; other sources and queries go on.
config policy register-rate 2
from 10.0.0.1 register HOST0#20 unique 10.0.0.1
expect to 10.0.0.1 ok rule R08
from 10.0.0.1 register HOST1#20 unique 10.0.0.1
expect to 10.0.0.1 ok rule R08
from 10.0.0.1 register HOST2#20 unique 10.0.0.1
expect to 10.0.0.1 ok rule R08
from 10.0.0.1 register HOST3#20 unique 10.0.0.1
expect to 10.0.0.1 ok rule R08
from 10.0.0.1 register HOST4#20 unique 10.0.0.1
expect none rule P07
from 10.0.0.1 release HOST0#20 unique 10.0.0.1
expect none rule P07
from 10.0.0.1 query HOST0#20
expect to 10.0.0.1 found 10.0.0.1 rule Q05
from 10.0.0.2 register HOST4#20 unique 10.0.0.2
expect to 10.0.0.2 ok rule R08
at 500ms
from 10.0.0.1 release HOST0#20 unique 10.0.0.1
expect to 10.0.0.1 ok rule L08 L10
from 10.0.0.1 register HOST5#20 unique 10.0.0.1
expect none rule P07
