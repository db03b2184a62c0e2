"""The key repository: sealed records of customers' keys, by id, by owner, by alias, by domain key (FIG. 2, box 116).

It holds sealed heads, key tokens, policies, tags and alias names. It must never hold a domain key, a customer's key in
clear, or a credential. Front ends read and write it, the coordinator fences and re-seals it. Who takes it over learns
names, policies and sizes, and can delay or destroy; it reads no key, and a record that it swaps, mixes or forges is
refused by the module that opens it.

``sqlite_reading`` and ``sqlite_writing``, and likewise ``memory``, keep the ports of ``keystead.core.records``,
``sqlite_resealing`` and ``sqlite_rotations`` those of ``keystead.core.rotation``. The schema is revisions 0001 and 0004
of ``keystead.migrations``.
"""
