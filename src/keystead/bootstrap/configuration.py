"""Reads a process's configuration: one TOML file, one typed struct; unknown names and wrong types are refused."""

import tomllib
from math import inf
from pathlib import Path
from typing import TypeVar

import msgspec

from keystead.errors import OperatorError

Configuration = TypeVar("Configuration", bound=msgspec.Struct)


def load(path: Path, kind: type[Configuration]) -> Configuration:
    """Return the configuration in the file; ``kind`` forbids unknown fields.

    Raises OperatorError naming the file and the field.
    """
    try:
        with path.open("rb") as file:
            content = tomllib.load(file)
    except FileNotFoundError:
        raise OperatorError(f"there is no configuration file {path}", "name one with --config") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OperatorError(f"{path} is not TOML: {error}", "correct the file and start again") from None
    try:
        return msgspec.convert(content, type=kind)
    except msgspec.ValidationError as error:
        raise OperatorError(f"{path}: {error}", "see docs/reference/configuration.md for the fields") from None


def dump(configuration: msgspec.Struct) -> str:
    """Return the TOML text of a flat configuration, as ``load`` reads it."""
    return "".join(
        f"{name} = {_literal(value)}\n"
        for name, value in msgspec.to_builtins(configuration).items()
        if value is not None
    )


def _literal(value: object) -> str:
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_literal(name)} = {_literal(one)}' for name, one in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(_literal(one) for one in value)}]"
    if value == inf:
        return "inf"
    # A JSON string, number or boolean is a TOML one too.
    return msgspec.json.encode(value).decode()
