"""Second stage: what the proven bytes ask for, read by the module itself."""

import msgspec

from keystead.components.security_module.pipeline.proven import Proven
from keystead.core.operations.operation import Operation
from keystead.core.operations.table import find
from keystead.core.protocols.aws_json.decoding import decode
from keystead.core.protocols.aws_json.model import Shape
from keystead.core.protocols.module_session.work import Item
from keystead.core.protocols.proof import Claims


class Decoded(msgspec.Struct, frozen=True, gc=False):
    """An item whose action and body are a valid request of an operation that is built."""

    item: Item
    claims: Claims
    operation: Operation
    request: Shape


def decoded(proven: Proven) -> Decoded:
    """Return the request in the proven body, by the proven action; raises ServiceError."""
    claims = proven.claims
    operation = find(claims.action)
    return Decoded(proven.item, claims, operation, decode(operation.name, proven.item.body))
