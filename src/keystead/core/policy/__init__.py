"""The policy language: key policies, identity policies and grants, and the one decision made of them.

    text ─document→ PolicyDocument ─compiled→ Compiled ─evaluation(request, identity, grants)→ Verdict ─require→ Allowed

Normative page: ``spec/policy.md``. Everything here is a function of its arguments. The security module decides with it
about every operation on a key, from the key's sealed records; others decide with it about operations on none.
"""
