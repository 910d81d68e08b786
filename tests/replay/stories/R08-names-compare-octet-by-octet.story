from 10.0.0.1 register Host#00 unique 10.0.0.1
expect to 10.0.0.1 ok rule R08
from 10.0.0.2 register HOST#00 unique 10.0.0.2
expect to 10.0.0.2 ok rule R08
from 10.0.0.3 register HOST#00.scope unique 10.0.0.3
expect to 10.0.0.3 ok rule R08
from 10.0.0.4 register HOST#00.SCOPE unique 10.0.0.4
expect to 10.0.0.4 ok rule R08
from 10.0.0.5 register \x01\x80\xff#20 unique 10.0.0.5
expect to 10.0.0.5 ok rule R08
from 10.0.0.6 register #20 unique 10.0.0.6
expect to 10.0.0.6 ok rule R08
from 10.0.0.9 query HOST#00
expect to 10.0.0.9 found 10.0.0.2 rule Q05
from 10.0.0.9 query HOST#00.SCOPE
expect to 10.0.0.9 found HOST#00.SCOPE 10.0.0.4 rule Q05
from 10.0.0.9 query host#00
expect to 10.0.0.9 not-found rule Q11
from 10.0.0.9 query \x01\x80\xff#20
expect to 10.0.0.9 found 10.0.0.5 rule Q05
from 10.0.0.9 query #20
expect to 10.0.0.9 found 10.0.0.6 rule Q05
