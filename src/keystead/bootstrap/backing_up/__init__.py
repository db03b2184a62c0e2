"""Backups of a whole installation: one file, taken while it runs, that says what it holds and what opens it.

``archive`` is the file, ``taking`` makes it from a data directory, ``restoring`` makes a data directory from it.
"""
