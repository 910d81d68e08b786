from 10.0.0.1 register GROUP#1D unique 10.0.0.1 ttl 6d
expect to 10.0.0.1 ok GROUP#1D ttl 6d rule R02
state GROUP#1D absent
# A 1D group is stored, as any group; queries do not find it (Q02).
from 10.0.0.1 register GROUP#1D group 10.0.0.1
expect to 10.0.0.1 ok rule R08
state GROUP#1D active group 10.0.0.1
