"""Reads CBOR (RFC 8949) from outside: no tags, nothing of indefinite length, no map key twice, nothing behind."""

from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from typing import Any, Final, NoReturn

import cbor2

from keystead.errors import FormatError


def _refuse_tag(*_: object) -> NoReturn:
    raise ValueError("no tags")


class _NoTags(Mapping[int, Callable[..., NoReturn]]):
    """What reads tagged values: nothing. Shared values (tags 28, 29) would let 300 bytes stand for 2^40 rules."""

    def __getitem__(self, tag: int) -> Callable[..., NoReturn]:
        return _refuse_tag

    def __iter__(self) -> Iterator[int]:
        return iter(())

    def __len__(self) -> int:
        return 0


_NO_TAGS: Final = _NoTags()


def load(encoded: bytes, what: str) -> Any:  # noqa: ANN401, whatever it is, to be judged by who asked
    """Return the value; raises FormatError that it is not ``what``, without showing any of it."""
    source = BytesIO(encoded)
    try:
        value = cbor2.load(source, semantic_decoders=_NO_TAGS, allow_indefinite=False, allow_duplicate_keys=False)
    except (cbor2.CBORError, ValueError, TypeError, RecursionError, OverflowError):
        raise FormatError(f"not {what}") from None
    if source.tell() != len(encoded):
        raise FormatError(f"more than {what}")
    return value
