"""Fourth stage: the one way through references, policy, state and handler (``core.operations.operation.perform``)."""

from keystead.components.security_module.pipeline.opened import Opened
from keystead.core.domain.state import DomainState
from keystead.core.operations.context import Context, Done, Judge
from keystead.core.operations.operation import perform
from keystead.core.operations.recipients import Attestation
from keystead.core.operations.vault_port import Vault


def performed(
    opened: Opened, now: int, vault: Vault, judge: Judge, domain: DomainState, attestation: Attestation
) -> Done:
    """Return what came of the request; raises ServiceError, RecordError, ProofReplayed."""
    context = Context(now, opened.claims, vault, judge, domain, opened.names, attestation)
    return perform(opened.operation, context, opened.request, opened.keys)
