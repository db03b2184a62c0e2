"""The lockout safety check: nobody puts a key policy that would keep him from ever changing it again."""

import msgspec

from keystead.core.policy.compiled import Compiled
from keystead.core.policy.evaluation import Identity, evaluate
from keystead.core.policy.malformed import malformed
from keystead.core.policy.request import AccessRequest
from keystead.core.policy.verdict import Allowed

_ACTION = "kms:PutKeyPolicy"


def keep_changeable(request: AccessRequest, new_policy: Compiled, identity: Identity) -> None:
    """Return if who asks could change the key policy again under the new one, under the same circumstances.

    ``request`` is the one that brings the new policy, with the key as its resource: CreateKey, PutKeyPolicy or
    ReplicateKey. Grants do not count: none is for PutKeyPolicy.

    Raises:
        ServiceError: MalformedPolicyDocumentException if not.
    """
    again = msgspec.structs.replace(request, action=_ACTION)
    if not isinstance(evaluate(again, new_policy, identity), Allowed):
        raise malformed("The new key policy will not allow you to update the key policy in the future.")
