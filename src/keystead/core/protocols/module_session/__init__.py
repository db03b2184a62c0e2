"""How operators and security modules talk (FIG. 24, 25; ``spec/module-session.md``): state machines without I/O.

``messages`` are the control messages, ``handshake`` makes a session, ``frame`` seals what is sent under it,
``connection`` is the module's end of one connection, ``work`` is what the frames of front ends carry.
"""
