"""The element Resource: patterns of ARNs (``spec/policy.md``, Resources)."""

from keystead.core.policy.budget import Budget
from keystead.core.policy.malformed import malformed
from keystead.core.policy.operators import Test, arn_like
from keystead.core.policy.variables import Context, template


def everything(_resource: str, _context: Context, _budget: Budget) -> bool:
    """Match whatever is asked for."""
    return True


def resource(text: str, *, variables: bool) -> Test:
    """Return the test of a resource's ARN against this text; ``everything`` for ``*``.

    Raises:
        ServiceError: MalformedPolicyDocumentException for what is neither ``*`` nor an ARN of six parts.
    """
    if text == "*":
        return everything
    if not text.startswith("arn:"):
        raise malformed("A statement has a resource that is neither * nor an ARN.")
    return arn_like([template(text, variables=variables, wildcards=True)])
