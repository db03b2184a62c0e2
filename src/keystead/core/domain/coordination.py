"""What the coordinator decides about a token that it is asked to install (FIG. 19; paragraphs 122 to 126, 131, 132)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import IntEnum, unique
from typing import Final


@dataclass(frozen=True, slots=True)
class Position:
    """Where a domain stands: its version, and the hash of that version's token (of the genesis, for version 0)."""

    version: int
    hash: bytes


@unique
class Decision(IntEnum):
    """What becomes of an installation request; numbers are never reused."""

    ACCEPTED = 1
    """Install it."""
    NOT_GREATER = 2
    """Its version is not greater than one that is installed (step 1908)."""
    IN_FLIGHT = 3
    """Another token is being installed; a version that was once sent out is never given to another token."""
    NO_DESCENDANT = 4
    """It was not made from what is installed (paragraph 132)."""
    ALREADY_ACCEPTED = 5
    """This very token is being installed, or was: there is nothing to do, and nothing is done (step 1912)."""
    INVALID = 6
    """It is not what a quorum asked for, or is not a token."""
    ABANDONED = 7
    """It was accepted, and then given up: it is shown that nobody can ever install it."""


def decide(
    requested: Position,
    predecessor: bytes,
    installed: Position,
    in_flight: Position | None,
    reported: Collection[Position],
) -> Decision:
    """Return what becomes of a token, by version and descent alone.

    ``predecessor`` is the hash that the token names, ``installed`` what every member has, ``in_flight`` what was
    accepted since, ``reported`` where modules say that they stand. A token at which one stands is new to a coordinator
    that was restored from a backup, and is accepted. A token that passes is then judged by ``succession.accept``, which
    the modules do as well.
    """
    if requested in {in_flight, installed}:
        return Decision.ALREADY_ACCEPTED
    beyond = () if requested in reported else reported
    if requested.version <= max((installed.version, *(one.version for one in beyond))):
        return Decision.NOT_GREATER
    if in_flight is not None:
        return Decision.IN_FLIGHT
    if predecessor != installed.hash:
        return Decision.NO_DESCENDANT
    return Decision.ACCEPTED


@unique
class Installation(IntEnum):
    """How far the installation of an accepted token is; numbers are never reused."""

    ACCEPTED = 1
    """The remaining members are asked for their promises."""
    SPREADING = 2
    """All promised, and the key repository takes records under its newest key: the members are asked to ingest it."""
    INSTALLED = 3
    """Every active member of the domain that it makes has it."""
    ABANDONING = 4
    """A quorum gives it up: everyone who may install it is asked for a release."""


@unique
class Progress(IntEnum):
    """What moves an installation on."""

    PROMISED_BY_ALL = 1
    INSTALLED_BY_ALL = 2
    FOUND_INSTALLED = 3
    """A module has it, so that it can not be given up."""
    GIVEN_UP = 4
    """A quorum asks to abandon it, or asks again with other members lost."""


TRANSITIONS: Final[Mapping[tuple[Installation, Progress], Installation]] = {
    (Installation.ACCEPTED, Progress.PROMISED_BY_ALL): Installation.SPREADING,
    (Installation.ACCEPTED, Progress.INSTALLED_BY_ALL): Installation.INSTALLED,
    (Installation.SPREADING, Progress.INSTALLED_BY_ALL): Installation.INSTALLED,
    (Installation.ACCEPTED, Progress.GIVEN_UP): Installation.ABANDONING,
    (Installation.SPREADING, Progress.GIVEN_UP): Installation.ABANDONING,
    (Installation.ABANDONING, Progress.GIVEN_UP): Installation.ABANDONING,
    (Installation.ABANDONING, Progress.FOUND_INSTALLED): Installation.SPREADING,
}
"""The life of an installation. Each step is durable before the next is begun, so that whoever died there goes on."""
