from 10.0.0.1 release HOST#00 unique 10.0.0.1
expect to 10.0.0.1 ok flags b400 rule L03
state HOST#00 absent
