"""The pure heart: facts in, what to say out. No I/O, no await, no logging, no reading of the clock."""
