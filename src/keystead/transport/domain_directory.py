"""What is public of a domain, as files that every role of a host can read: the genesis and the tokens that followed it.

Whoever writes the files is believed nothing: a reader starts from the domain id that its own configuration pins and
judges each token by ``core.domain.succession``, as a module does.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from keystead.core.domain import genesis
from keystead.core.domain.state import DomainState
from keystead.core.domain.succession import Successor, accept
from keystead.core.ports import Disk
from keystead.errors import NoDomain, NotPinned, Refusal
from keystead.identifiers import DomainId, ModuleId

GENESIS: Final = "genesis"


def token_name(version: int) -> str:
    """Return the name of the file that holds a version's token."""
    return f"token-{version:08d}"


def publish_genesis(disk: Disk, encoded: bytes) -> None:
    """Write the genesis, durably."""
    disk.write(GENESIS, encoded)


def publish_token(disk: Disk, version: int, encoded: bytes) -> None:
    """Write a version's token, durably, unless it is there: at each start of a coordinator most are."""
    name = token_name(version)
    if disk.read(name) != encoded:
        disk.write(name, encoded)


LOOK: Final = 1.0
"""Seconds between two looks for a newer token."""


class DomainDirectory:
    """The newest state of the domain that the files prove."""

    def __init__(self, disk: Disk, pin: DomainId) -> None:
        """Read and judge the files.

        Raises NoDomain if there is no genesis, NotPinned if it is another domain's, and what ``succession.accept``
        raises.
        """
        encoded = disk.read(GENESIS)
        if encoded is None:
            raise NoDomain("there is no genesis in the domain directory")
        self._disk = disk
        self.genesis = encoded
        self._state = genesis.verify_genesis(encoded)
        if self._state.domain != pin:
            raise NotPinned("the genesis in the domain directory is not that of the pinned domain")
        self._hash: bytes = self._state.domain
        self.token: bytes | None = None
        """The newest version's token; None while there is none."""
        self.refresh()

    @property
    def domain(self) -> DomainId:
        """The domain's id."""
        return self._state.domain_id

    @property
    def state(self) -> DomainState:
        """The newest state."""
        return self._state

    @property
    def hash(self) -> bytes:
        """The hash of the newest version's token; the domain's id at version 0."""
        return self._hash

    @property
    def members(self) -> Mapping[ModuleId, bytes]:
        """The Ed25519 identity keys of the members."""
        return {member.id: member.ed25519 for member in self._state.members}

    def successors(self) -> Iterator[tuple[DomainState, Successor]]:
        """Return each version after the genesis, judged anew, with the state that it was made from.

        Raises what ``succession.accept`` raises.
        """
        state = genesis.verify_genesis(self.genesis)
        yield from _followers(self._disk, state, state.domain)

    def refresh(self) -> None:
        """Take in the tokens that were published since; raises what ``succession.accept`` raises."""
        for _, successor in _followers(self._disk, self._state, self._hash):
            self._state, self._hash, self.token = successor.state, successor.hash, successor.encoded


def _followers(disk: Disk, state: DomainState, token: bytes) -> Iterator[tuple[DomainState, Successor]]:
    while (encoded := disk.read(token_name(state.version + 1))) is not None:
        successor = accept(state, token, encoded, None)
        yield state, successor
        state, token = successor.state, successor.hash


async def follow(domain: DomainDirectory, complain: Callable[[str], None]) -> None:
    """Keep the state as new as the directory, until cancelled; complain about what does not follow."""
    while True:
        await asyncio.sleep(LOOK)
        try:
            domain.refresh()
        except (Refusal, OSError) as error:
            complain(f"{type(error).__name__}: {error}")
