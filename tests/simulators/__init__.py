"""A world in one process: virtual time, seeded dice, a network that delays and breaks, processes that stop and die.

What runs in it is the real code on simulated ports; the same seed gives the same history, line by line. See
``README.md``.
"""
