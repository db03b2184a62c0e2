"""What processes say to each other: formats and state machines; values in, values and bytes out, no I/O."""
