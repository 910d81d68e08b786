# Off unless it is asked for.
queue 25000
from 10.0.0.2 register NEW#20 unique 10.0.0.2
expect to 10.0.0.2 ok rule R08
state NEW#20 active unique 10.0.0.2+6d expires 6d
