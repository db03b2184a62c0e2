"""Rotation of domain keys (FIG. 21): its stages, what is kept of it, and when it is begun. No I/O, no clock."""
