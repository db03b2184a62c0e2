"""The operations of the service: one row each in ``table``, each a pure function that runs inside a security module.

A front end uses ``Operation.lookup`` to learn which records an operation needs; a module uses ``perform`` to hold
those records against the signed request, ask policy and state, and let the row's handler make the answer and the
change. Clock, randomness and keys come through ``context.Context``; nothing waits, and nothing sees key material.
"""
