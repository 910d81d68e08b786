config policy pin *#1B 10.1.0.0/16
admin add DOM#1B unique 10.66.0.1
expect done
state DOM#1B active unique 10.66.0.1 static version 1 by 10.0.0.53
