"""The domain token repository (1706 of FIG. 17).

It holds domain tokens, which are sealed and signed, the promises of members, and what the coordinator decided and did
about each. It must never hold a key in clear. The coordinator alone calls it. Who captures it can make the coordinator
wait or forget; what it returns is judged again from the pinned genesis on, so nothing that no quorum approved comes of
it.
"""
