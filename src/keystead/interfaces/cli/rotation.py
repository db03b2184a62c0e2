"""``keystead rotation``: moving everything that rests under former domain keys under a fresh one."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final, Protocol

import typer

from keystead.core.protocols.rotation import Action
from keystead.interfaces.cli.domain import DEFAULT_DATA, AsJson, Data

Key = Annotated[
    Path | None,
    typer.Option(help="Key file of the operator who orders it; the first operator's of the data directory."),
]
ORDERS: Final = (
    (Action.BEGIN, "Add a domain key, and seal everything anew under it while keys are used."),
    (Action.PAUSE, "Seal nothing more anew until it is resumed."),
    (Action.RESUME, "Go on after a pause."),
    (Action.ABORT, "End it where it is; what is under the new domain key stays there."),
    (Action.WAIVE_BACKUP, "Let former domain keys be dropped without a backup that is newer than the last change."),
)
"""One command each."""


class RotationCommands(Protocol):
    """What the commands do. Each returns an exit status or raises OperatorError."""

    def order_rotation(self, data: Path, action: Action, key: Path | None, limit: int) -> int:
        """Order something about the rotation, and print how it is then."""

    def rotation_status(self, data: Path, *, as_json: bool, follow: bool) -> int:
        """Print how the rotation is; 1 while it cannot go on by itself."""


def build_rotation(commands: RotationCommands) -> typer.Typer:
    """Return ``keystead rotation`` over the commands."""
    app = typer.Typer(name="rotation", help="Rotation of domain keys, without a pause.", no_args_is_help=True)

    @app.command()
    def status(
        *,
        data: Data = DEFAULT_DATA,
        as_json: AsJson = False,
        follow: Annotated[bool, typer.Option("--follow", help="Show progress until nothing is left.")] = False,
    ) -> None:
        """Show stage, progress, rate and time left; exit status 1 while it is paused or in trouble."""
        raise typer.Exit(commands.rotation_status(data, as_json=as_json, follow=follow))

    @app.command()
    def throttle(
        limit: Annotated[int, typer.Argument(min=0, help="Keys in a second; 0 for no limit.")],
        *,
        data: Data = DEFAULT_DATA,
        key: Key = None,
    ) -> None:
        """Seal at most so many keys anew in a second."""
        raise typer.Exit(commands.order_rotation(data, Action.THROTTLE, key, limit))

    for action, meaning in ORDERS:
        app.command(action.name.lower().replace("_", "-"), help=meaning)(_ordering(commands, action))
    return app


def _ordering(commands: RotationCommands, action: Action) -> Callable[..., None]:
    def ordered(*, data: Data = DEFAULT_DATA, key: Key = None) -> None:
        raise typer.Exit(commands.order_rotation(data, action, key, 0))

    return ordered
