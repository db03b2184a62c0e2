"""What the front end needs of the processes behind it."""

from collections.abc import Awaitable
from typing import Protocol

from keystead.core.protocols.authentication import Request
from keystead.core.protocols.module_session.work import Item, Outcome


class Vouched(Protocol):
    """An authentic request."""

    @property
    def proof(self) -> bytes:
        """What proves it to a module."""

    @property
    def voucher(self) -> bytes:
        """The operator key token under whose session the proof was made."""

    @property
    def account(self) -> str:
        """The caller's account."""

    @property
    def region(self) -> str:
        """The region that the request was signed for."""


class Authentication(Protocol):
    """The authentication service."""

    def authenticate(self, request: Request) -> Awaitable[Vouched]:
        """Return whose request it is and its proof.

        Raises the ServiceError that the client is to see, or PeerUnavailable.
        """


class Modules(Protocol):
    """The security modules."""

    def submit(self, item: Item, voucher: bytes) -> Awaitable[Outcome]:
        """Return what became of this very item; raises PeerUnavailable."""
