config own-name SERVER#00
given HOST#00 active unique 10.0.0.1
from 10.0.0.9 status HOST#00
expect none rule Q10
