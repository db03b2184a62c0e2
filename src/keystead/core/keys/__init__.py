"""What a customer's key is: its head, what rests beside it, its states.

Functions of values. A sealed head is written by security modules alone; everything that is answered about a key is
rendered from a head that a module opened, and rows beside it count only if the head names their digest.
"""
