# Whatever the state of the 1B name; 25 addresses in all, so the last member makes room. Another scope is another name.
given FULL#1C active sgroup 10.0.1.1 10.0.1.2 10.0.1.3 10.0.1.4 10.0.1.5 10.0.1.6 10.0.1.7 10.0.1.8 10.0.1.9 10.0.1.10 10.0.1.11 10.0.1.12 10.0.1.13 10.0.1.14 10.0.1.15 10.0.1.16 10.0.1.17 10.0.1.18 10.0.1.19 10.0.1.20 10.0.1.21 10.0.1.22 10.0.1.23 10.0.1.24 10.0.1.25
given FULL#1B tombstone unique 10.0.9.9
given LONE#1C active sgroup 10.0.0.1
given LONE#1B.other active unique 10.0.8.8
from 10.0.0.9 query FULL#1C
expect to 10.0.0.9 found 10.0.9.9 10.0.1.1 10.0.1.2 10.0.1.3 10.0.1.4 10.0.1.5 10.0.1.6 10.0.1.7 10.0.1.8 10.0.1.9 10.0.1.10 10.0.1.11 10.0.1.12 10.0.1.13 10.0.1.14 10.0.1.15 10.0.1.16 10.0.1.17 10.0.1.18 10.0.1.19 10.0.1.20 10.0.1.21 10.0.1.22 10.0.1.23 10.0.1.24 group node B rule Q06
from 10.0.0.9 query LONE#1C
expect to 10.0.0.9 found 10.0.0.1 rule Q06
