"""What the commands of the command line do on this host."""

import os
import sys
from pathlib import Path
from typing import Final

from keystead.bootstrap.backing_up.commands import BackingUp
from keystead.bootstrap.data_directory import DataDirectory
from keystead.bootstrap.endpoint import export_lines
from keystead.bootstrap.governing.modules import ComingAndGoing
from keystead.bootstrap.governing.rotating import Rotating
from keystead.bootstrap.guardian import Guardian
from keystead.bootstrap.listener import bind, check_exposure
from keystead.bootstrap.plan import planned
from keystead.bootstrap.reporting import tell
from keystead.bootstrap.serving import serve_role
from keystead.errors import OperatorError
from keystead.interfaces.cli.app import RoleName, UpOptions, run
from keystead.interfaces.cli.policy import ExplainOptions

SUPERVISE: Final = "supervise"


class HostCommands(BackingUp, ComingAndGoing, Rotating):
    """The commands."""

    def up(self, options: UpOptions) -> int:
        """Run the whole service until told to stop."""
        check_exposure(options.host, tls=options.tls_cert is not None)
        directory = DataDirectory(options.data.resolve())
        directory.prepare()
        lock = directory.lock()
        try:
            with bind(options.host, options.port) as listener:
                descriptor = listener.fileno()
                plan = planned(directory, options, descriptor, listener.getsockname()[1])
                return Guardian((SUPERVISE, plan.written()), (descriptor,), tell).run()
        finally:
            os.close(lock)

    def serve(self, role: str, config: Path) -> int:
        """Run one role until told to stop."""
        return serve_role(RoleName(role).value, config)

    def env(self, data: Path) -> str:
        """Return the lines that point AWS clients at the service."""
        return export_lines(data.resolve())

    def status(self, data: Path, *, as_json: bool) -> int:
        """Print how the service is."""
        from keystead.bootstrap.status import show  # noqa: PLC0415

        return show(data.resolve(), as_json=as_json)

    def identify(self, address: str) -> str:
        """Return the fingerprint of the security module at an address."""
        from keystead.bootstrap.identify import fingerprint  # noqa: PLC0415

        return fingerprint(address)

    def explain_policy(self, options: ExplainOptions) -> int:
        """Print the verdict with its reasons."""
        from keystead.bootstrap.explaining import explain_request  # noqa: PLC0415

        return explain_request(options)


def main(arguments: list[str]) -> int:
    """Run a command line; the supervisor's own is not for people and is not in the help."""
    if arguments[:1] == [SUPERVISE]:
        from keystead.bootstrap.supervise import supervise  # noqa: PLC0415

        try:
            return supervise(arguments[1])
        except OperatorError as error:
            sys.stderr.write(f"keystead: {error.problem}\n  {error.next_step}\n")
            return 1
    return run(HostCommands(), arguments)
