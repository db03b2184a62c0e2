"""The program ``keystead``.

What a process imports is what it trusts, and what it waits for at its start: a role's process loads its recipe alone,
the security module's nothing but its own dependencies.
"""

import sys
from pathlib import Path

_ROLES = ("module", "coordinator", "authentication", "cryptography")


def main() -> int:
    """Run the command line and return its exit status."""
    arguments = sys.argv[1:]
    match arguments:
        case ["serve", role, "--config", config] if role in _ROLES:
            from keystead.bootstrap.serving import serve_role  # noqa: PLC0415

            return serve_role(role, Path(config))
    from keystead.bootstrap.commands import main as run_command  # noqa: PLC0415

    return run_command(arguments)


if __name__ == "__main__":
    sys.exit(main())
