"""The coordinator (1704 of FIG. 17): decides which domain token is installed, and brings it to every module.

It holds the right to carry tokens, and the token repository. It must never hold a key, nor be able to open one. It
judges every token as the modules do, so an honest one never carries what they would refuse; but they do not rely on
it. Operators call it with signed requests. Its captor can delay changes of the domain and can tell lies about their
state; it cannot install what no quorum approved, fork the domain, or roll it back.

``coordinator`` decides and records, ``courier`` brings one module what it needs next, ``couriers`` has one for each,
``server`` answers operators, ``sweep`` has modules end and rotate keys whose day has come.
"""
