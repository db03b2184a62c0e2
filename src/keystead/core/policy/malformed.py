"""The one error for a text that is no policy."""

from keystead.errors import ServiceError


def malformed(problem: str) -> ServiceError:
    """Return the MalformedPolicyDocumentException that says what is wrong; it repeats no text of the policy."""
    return ServiceError("MalformedPolicyDocumentException", problem)
