"""The command line.

Answers go to standard output; what went wrong, and what to do next, to standard error; lower case, no full stop.
"""
