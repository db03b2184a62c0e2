"""The element Resource: patterns of ARNs (``spec/policy.md``, Resources)."""

from typing import Final

from keystead.core.policy.malformed import malformed
from keystead.core.policy.operators import Test, arn_like
from keystead.core.policy.variables import template

_EVERYTHING: Final = "*"


def resource(text: str, *, variables: bool) -> Test | None:
    """Return the test of a resource's ARN against this text; None for ``*``, which is whatever is asked for.

    Raises:
        ServiceError: MalformedPolicyDocumentException for what is neither ``*`` nor an ARN of six parts.
    """
    if text == _EVERYTHING:
        return None
    if not text.startswith("arn:"):
        raise malformed("A statement has a resource that is neither * nor an ARN.")
    return arn_like([template(text, variables=variables, wildcards=True)])
