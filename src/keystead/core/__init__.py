"""What must be true: formats, rules and decisions as functions of values; no I/O, no clock, no randomness."""
