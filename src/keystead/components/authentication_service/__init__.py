"""The authentication service: says whose a request is, and proves it to the security modules (FIG. 2, box 204).

It holds the customers' secret access keys and the session key from which its proof key is derived. It must never hold a
domain key, a customer's key, or a sealed record. Front ends may call it, each known by its operator key. Who takes it
over can vouch falsely: cause operations in a customer's name as far as the keys' policies allow that customer; it can
read no key.

``credentials`` knows whose an access key is; ``judge`` turns a request into a proof or a denial; ``server`` speaks to
front ends.
"""
