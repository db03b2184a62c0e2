"""The cryptography service's front end: AWS JSON 1.1 in, frames for security modules out (FIG. 2, box 108; FIG. 4).

It holds a session with the modules and sees the plaintext that passes through it. It must never hold a domain key, a
customer's key in clear, or a credential. Anyone who can connect may call it. Who takes it over sees and withholds
traffic; it cannot use a key for a caller who made no such request, nor alter a request, a policy, a key's state.

A request becomes a new type at each stage, one file a stage: ``received`` → ``authenticated`` → ``admitted`` →
``located`` → ``executed`` → ``rendered``; ``application`` leads it through. ``guard`` stands before all of them and
speaks HTTP.
"""
