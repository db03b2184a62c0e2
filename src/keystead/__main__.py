"""The program ``keystead``.

What a process imports is what it trusts: the security module's process is dispatched before anything but its own
dependencies is loaded.
"""

import sys

_SERVE_MODULE = ("serve", "module", "--config")


def main() -> int:
    """Run the command line and return its exit status."""
    arguments = sys.argv[1:]
    if tuple(arguments[:3]) == _SERVE_MODULE and len(arguments) == len(_SERVE_MODULE) + 1:
        from keystead.bootstrap.module import main as serve_module  # noqa: PLC0415

        return serve_module(arguments[3])
    from keystead.bootstrap.commands import main as run_command  # noqa: PLC0415

    return run_command(arguments)


if __name__ == "__main__":
    sys.exit(main())
