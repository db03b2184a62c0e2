"""Whether keys can be used now: ``GET /healthz``, for supervisors and load balancers."""

from collections.abc import Callable
from typing import Final

import msgspec

from keystead.components.cryptography_service.ports import Authentication
from keystead.core.protocols.authentication import Request
from keystead.core.protocols.aws_json.rendering import INTERNAL_ERROR, status_of
from keystead.core.protocols.sigv4.request import SignedRequest
from keystead.core.records import KeyReader
from keystead.errors import PeerUnavailable, RecordError, RepositoryError, ServiceError
from keystead.identifiers import KeyId
from keystead.primitives.digest import sha256

PATH: Final = b"/healthz"
_NO_KEY: Final = KeyId("")
_UNSIGNED: Final = Request(SignedRequest("GET", PATH.decode(), "", (), sha256()), "", False)  # noqa: FBT003 - not TLS


class Health(msgspec.Struct, frozen=True):
    """What of the service works; nothing secret."""

    modules: bool
    authentication: bool
    repository: bool

    @property
    def keys_can_be_used(self) -> bool:
        """Whether a request can be served."""
        return self.modules and self.authentication and self.repository


class HealthCheck:
    """Looks at what the front end depends on."""

    def __init__(self, modules: Callable[[], int], authentication: Authentication, reader: KeyReader) -> None:
        """Take what says how many modules can be asked, the authentication service, and the repository."""
        self._modules = modules
        self._authentication = authentication
        self._reader = reader

    async def look(self) -> Health:
        """Return what works at this moment."""
        return Health(self._modules() > 0, await self._judges(), await self._reads())

    async def _judges(self) -> bool:
        """Whether a request without a signature is denied for that reason: then others could be proved."""
        try:
            await self._authentication.authenticate(_UNSIGNED)
        except ServiceError as denial:
            return status_of(denial.code) < INTERNAL_ERROR
        except PeerUnavailable:
            return False
        return False

    async def _reads(self) -> bool:
        try:
            await self._reader.record(_NO_KEY)
        except (RepositoryError, RecordError):
            return False
        return True
