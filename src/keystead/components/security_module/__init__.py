"""The security module (paragraphs 109 to 112, FIG. 18 to 21, 24, 25): where keys are used, and nowhere else.

**Holds** its identity key and its sealing key, which rest under a root slot; the domain keys, in memory only; session
keys of operators, until they expire; a customer's key for the length of one operation.

**Must never hold** a
credential, or a customer's key longer than that; must never write a key in clear, log one, or send one to anybody but
another member, sealed to it.

**Who may call it:** anyone who can connect may ask who it is and bring documents that
prove themselves; frames are opened for operators of the installed domain, work is done for those with the permission
to serve, for requests that an operator with the permission to vouch has proved.

**What its captor could do:** the
superuser of its host can use the keys that it held while it was a member, and sign as it; not alone change the
domain, and not open what was sealed after it was removed and domain keys were rotated.

``root_slot``, ``sealed_files`` and ``identity`` are what rests; ``installed`` is where the module stands in its domain,
with ``ingestion`` and ``issuing``; ``vault`` seals and opens; ``sessions`` knows operators; ``pipeline`` takes an item
through its stages; ``server`` speaks the module session protocol.
"""
