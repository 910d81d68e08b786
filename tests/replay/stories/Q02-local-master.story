given GROUP#1D active group 10.0.0.1
from 10.0.0.9 query GROUP#1D
expect to 10.0.0.9 not-found rule Q02
