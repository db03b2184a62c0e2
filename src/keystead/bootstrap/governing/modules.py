"""Modules that come to the running service of a data directory, and go from it.

A module runs before it is let in and until after it was put out, so that no member is ever missing for it.
"""

import asyncio
import sys
from pathlib import Path
from typing import Final

from keystead.bootstrap.data_directory import LOGS
from keystead.bootstrap.governing.commands import Governing
from keystead.bootstrap.governing.view import enter, viewed
from keystead.bootstrap.host import HostDisk
from keystead.bootstrap.identify import fingerprint as fingerprint_at
from keystead.bootstrap.reporting import tell
from keystead.bootstrap.roles import address, pin_file
from keystead.bootstrap.roster import fresh_name, read_roster, write_roster
from keystead.core.domain.change_request import RemoveMember
from keystead.core.domain.state import DomainState
from keystead.errors import OperatorError
from keystead.interfaces.cli.asking import module
from keystead.interfaces.cli.domain import RequestOptions, Where

PATIENCE: Final = 20.0
"""Seconds in which a module that was added must answer."""
_PAUSE: Final = 0.2


class ComingAndGoing(Governing):
    """``ModuleCommands`` of the command line, beside those of operators."""

    def add_module(self, data: Path, fingerprint: str | None, options: RequestOptions) -> int:
        """Bring up another module, and ask that the domain lets it in; begun before, it goes on from there."""
        where, options = _here(data, options)
        state = viewed(where).state
        enter(where.data)
        name = _coming(state)
        HostDisk(pin_file(name).parent).write(pin_file(name).name, state.domain.hex().encode())
        if name not in read_roster(Path()):
            write_roster(Path(), (*read_roster(Path()), name))
        shown = asyncio.run(_answered(name))
        tell(f"{name} runs; its fingerprint is {shown}")
        _confirm(name, shown, fingerprint)
        return self.request_module(where, name, address(name), options)

    def remove_module(self, data: Path, name: str, options: RequestOptions) -> int:
        """Ask that the domain puts a module out; stop it once that is so."""
        where, options = _here(data, options)
        if _is_member(viewed(where).state, name):
            ended = self.request(where, lambda state, _: RemoveMember(module(state, name)), options)
            if not options.sign_with:
                tell(f"once that is installed: keystead module remove {name} again, which stops it")
            if ended != 0 or not options.sign_with:
                return ended
        enter(where.data)
        names = read_roster(Path())
        if name not in names:
            raise OperatorError(f"there is no module {name} here", "see keystead status for those there are")
        write_roster(Path(), [one for one in names if one != name])
        tell(f"{name} is stopped by the running keystead; what it kept stays in {where.data / name}")
        return 0


def _here(data: Path, options: RequestOptions) -> tuple[Where, RequestOptions]:
    """Return the same with absolute paths: commands go into the data directory, where addresses are short."""
    where = Where(data=data.resolve(), directory=None, domain=None)
    return where, RequestOptions(
        output=None if options.output is None else options.output.resolve(),
        lifetime=options.lifetime,
        sign_with=tuple(key.resolve() for key in options.sign_with),
    )


def _coming(state: DomainState) -> str:
    """Return the module that was brought up and not let in, or else a fresh name."""
    waiting = [name for name in read_roster(Path()) if not _is_member(state, name)]
    return waiting[0] if waiting else fresh_name(Path())


def _is_member(state: DomainState, name: str) -> bool:
    return any(member.name == name for member in state.members)


async def _answered(name: str) -> str:
    """Return the fingerprint of a module as soon as it answers."""
    loop = asyncio.get_running_loop()
    limit = loop.time() + PATIENCE
    while True:
        try:
            return await asyncio.to_thread(fingerprint_at, address(name))
        except OperatorError:
            if loop.time() > limit:
                raise OperatorError(
                    f"{name} does not answer",
                    f"see whether keystead up runs, and {LOGS / name}.log; then give the same command again",
                ) from None
        await asyncio.sleep(_PAUSE)


def _confirm(name: str, shown: str, expected: str | None) -> None:
    """Return if a person compared the fingerprint; raises OperatorError otherwise."""
    again = f"compare it with the one in {LOGS / name}.log, and give the same command again"
    if expected is None and sys.stdin.isatty():
        sys.stderr.write(f"Is that the fingerprint in {LOGS / name}.log? Type yes: ")
        sys.stderr.flush()
        expected = shown if sys.stdin.readline().strip() == "yes" else ""
    if expected is None:
        raise OperatorError("the fingerprint was not confirmed", f"{again} with --fingerprint {shown}")
    if "".join(expected.split()) != "".join(shown.split()):
        raise OperatorError("that is not the fingerprint of this module", f"{again}, or take it away again")
