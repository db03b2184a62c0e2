"""Renders the reference pages of command line, configuration and errors: ``python tools/render_reference.py``.

``tests/unit/test_documents.py`` renders them again.
"""

import ast
import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

from keystead.bootstrap import role_configuration
from keystead.bootstrap.commands import HostCommands
from keystead.core.operations.table import OPERATIONS
from keystead.core.protocols.aws_json.extension import OPERATIONS as MODEL
from keystead.core.protocols.aws_json.rendering import COMMON_ERRORS
from keystead.core.protocols.aws_json.shapes import ERRORS
from keystead.errors import REFUSALS, Refusal
from keystead.interfaces.cli.app import build
from tools.render_life_cycles import page as life_cycles_page

REFERENCE: Final = Path(__file__).resolve().parents[1] / "docs" / "reference"
APP: Final = build(HostCommands())
_WIDTH: Final = "100"
_COMMAND_LINE: Final = """\
# Command line

Answers go to standard output. What went wrong, and what to do next, goes to standard error, and the exit status is then
not 0.
"""
_CONFIGURATION: Final = """\
# Configuration

`keystead serve ROLE --config FILE` reads one TOML file. Unknown fields and wrong types are refused. Paths are relative
to the working directory of the process. `keystead up` writes these files itself, into `run/` of its data directory;
without it, the [systemd units](../../deploy/systemd/README.md) show how they are used.
"""
_CLIENTS: Final = """\
# Errors

## Told to clients

Names and meanings are those of the AWS KMS API; `__type` in the body has the name. What is not the caller's fault is
told without detail: the front end's log has the request's id and the kind of error.

"""
_PEERS: Final = """
## Told to peers and operators

A refusal changes nothing. Numbers go over the wire and are never reused.

"""
_SIGN: Final = "\nMade by `tools/render_reference.py` from the program itself.\n"


def command_line_page() -> str:
    """Return what ``keystead --help`` says, for every command."""
    sections = (
        f"\n## {' '.join(('keystead', *command))}\n\n```text\n{_help(*command)}\n```\n"
        for command in _commands(typer.main.get_command(APP))
    )
    return _COMMAND_LINE + _SIGN + "".join(sections)


def configuration_page() -> str:
    """Return every field of every role's configuration."""
    tree = ast.parse(inspect.getsource(role_configuration))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    return _CONFIGURATION + _SIGN + "".join(map(_configuration, classes))


def errors_page() -> str:
    """Return what clients and peers are told when something is refused."""
    statuses = {**COMMON_ERRORS, **{name: ERRORS[name].status for row in OPERATIONS for name in MODEL[row].errors}}
    return (
        _CLIENTS
        + _table(("Error", "HTTP status"), ((f"`{name}`", str(status)) for name, status in sorted(statuses.items())))
        + _PEERS
        + _table(("Number", "Refusal", "Meaning"), (_refusal(number) for number in sorted(REFUSALS)))
        + _SIGN
    )


def pages() -> Iterator[tuple[Path, str]]:
    """Yield each page's file with the text that it must have."""
    makers: dict[str, Callable[[], str]] = {
        "command-line": command_line_page,
        "configuration": configuration_page,
        "errors": errors_page,
        "life-cycles": life_cycles_page,
    }
    for name, make in makers.items():
        yield REFERENCE / f"{name}.md", make()


def _commands(command: object, *path: str) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(command, TyperGroup):
        for name, inner in command.commands.items():
            yield from _commands(inner, *path, name)


def _help(*command: str) -> str:
    plain = {"TERMINAL_WIDTH": _WIDTH, "COLUMNS": _WIDTH, "LC_ALL": "C.UTF-8"}
    printed = CliRunner().invoke(APP, [*command, "--help"], env=plain, prog_name="keystead", catch_exceptions=False)
    return "\n".join(line.rstrip() for line in printed.output.splitlines()).strip("\n")


def _configuration(struct: ast.ClassDef) -> str:
    title = (ast.get_docstring(struct) or "").rstrip(".")
    rows = []
    for place, node in enumerate(struct.body):
        if isinstance(node, ast.AnnAssign):
            default = "required" if node.value is None else f"`{ast.unparse(node.value)}`"
            rows.append(
                (
                    f"`{ast.unparse(node.target)}`",
                    f"`{ast.unparse(node.annotation)}`",
                    default,
                    _documented(struct.body[place + 1 : place + 2]),
                )
            )
    cells = ((name, kind.replace("|", "\\|"), default, meaning) for name, kind, default, meaning in rows)
    return f"\n## {title}\n\n" + _table(("Field", "Type", "Default", "Meaning"), cells)


def _documented(following: Sequence[ast.stmt]) -> str:
    for node in following:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return str(node.value.value).replace("``", "`")
    return ""


def _refusal(number: int) -> tuple[str, str, str]:
    kind: type[Refusal] = REFUSALS[number]
    return str(number), f"`{kind.__name__}`", (inspect.getdoc(kind) or "").splitlines()[0]


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


if __name__ == "__main__":
    for path, text in pages():
        path.write_text(text)
