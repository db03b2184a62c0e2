"""Values of conditions that are no plain text: numbers, dates, addresses, bytes, ARNs (``spec/policy.md``, Conditions).

Each function returns what a text means, or None if it is no such value. They read texts of policies and of requests
alike.
"""

import re
from base64 import b64decode
from binascii import Error
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Final

import msgspec

_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,64}(?:\.[0-9]{1,64})?")
_EPOCH: Final = re.compile(r"[0-9]{1,3}|[0-9]{5,12}")
_DATE: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:[0-9]{2}))?"
)
_TRUTH: Final = {"true": True, "false": False}
_ARN_PARTS: Final = 6
_BITS: Final = {4: 32, 6: 128}
_LENGTH: Final = re.compile(r"0|[1-9][0-9]{0,2}")
_MAPPED: Final = 96
"""The prefix that IPv6 addresses made of IPv4 addresses share (RFC 4291, section 2.5.5.2)."""


def number(text: str) -> Decimal | None:
    """Read a decimal number without an exponent."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def moment(text: str) -> Decimal | None:
    """Read a date, or a date and time with its offset (ISO 8601), or seconds since 1970, into seconds since 1970.

    Four digits are refused: they could be a year or seconds.
    """
    if _EPOCH.fullmatch(text):
        return Decimal(text)
    if not _DATE.fullmatch(text):
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    since = (read if read.tzinfo else read.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)
    return Decimal(since.days * 86_400 + since.seconds) + Decimal(since.microseconds) / 1_000_000


def truth(text: str) -> bool | None:
    """Read ``true`` or ``false``, in any case."""
    return _TRUTH.get(text.lower())


def octets(text: str) -> bytes | None:
    """Read base64 (RFC 4648, section 4)."""
    try:
        return b64decode(text, validate=True)
    except (Error, ValueError):
        return None


class Network(msgspec.Struct, frozen=True, gc=False):
    """The addresses of one family that share a prefix; a single address is the longest."""

    family: int
    shift: int
    """Bits behind the prefix."""
    prefix: int

    def holds(self, address: "Network") -> bool:
        """Whether the single address is one of these."""
        return address.family == self.family and address.prefix >> self.shift == self.prefix


@lru_cache(maxsize=1024)
def address(text: str) -> Network | None:
    """Read an IPv4 or IPv6 address; an IPv4 address in IPv6 is that IPv4 address."""
    try:
        read = ip_address(text)
    except ValueError:
        return None
    if isinstance(read, IPv6Address):
        if read.scope_id is not None:
            return None
        read = read.ipv4_mapped or read
    return Network(read.version, 0, int(read))


def network(text: str) -> Network | None:
    """Read an address, or an address with the length of its prefix; bits behind the prefix are ignored."""
    written, slash, length = text.partition("/")
    base = address(written)
    if base is None or not slash:
        return base
    most = 128 if ":" in written else 32
    least = _MAPPED if most != _BITS[base.family] else 0
    if not _LENGTH.fullmatch(length) or not least <= int(length) <= most:
        return None
    shift = most - int(length)
    return Network(base.family, shift, base.prefix >> shift)


def arn_parts(text: str) -> list[str] | None:
    """Cut an ARN, or a pattern of ARNs, into its six parts; only the last may hold colons."""
    parts = text.split(":", _ARN_PARTS - 1)
    return parts if len(parts) == _ARN_PARTS else None
