"""Fields of fixed size that the messages share; a field of another size is refused where it is decoded."""

from typing import Annotated, Final

from msgspec import Meta

from keystead.identifiers import DomainId, ModuleId, OperatorId

NONCE_SIZE: Final = 16
"""Bytes that each side contributes to the identity of a connection, and bytes of a module's incarnation."""

Bytes16 = Annotated[bytes, Meta(min_length=16, max_length=16)]
Bytes32 = Annotated[bytes, Meta(min_length=32, max_length=32)]
Bytes64 = Annotated[bytes, Meta(min_length=64, max_length=64)]
ModuleIdField = Annotated[ModuleId, Meta(min_length=16, max_length=16)]
OperatorIdField = Annotated[OperatorId, Meta(min_length=16, max_length=16)]
DomainIdField = Annotated[DomainId, Meta(min_length=32, max_length=32)]
Milliseconds = Annotated[int, Meta(ge=0, lt=2**53)]
"""Since the Unix epoch."""
