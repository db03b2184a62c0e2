"""``python -m benchmarks [NAME ...]``: measure and print."""

import argparse
import importlib
import sys
from typing import Final

from benchmarks.report import Figure, Options, as_json, as_table

NAMES: Final = ("path", "module", "signing", "link", "policy", "memory", "startup", "rotation")
"""Sub-benchmarks: modules of this package with a function ``measure(options) -> list[Figure]``."""


def main() -> None:
    """Measure what the command line names, or all, and print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all if none is named")
    parser.add_argument("--seconds", type=float, default=4.0, help="how long one load lasts (default: 4)")
    parser.add_argument("--rounds", type=int, default=3, help="how often it is repeated (default: 3)")
    parser.add_argument("--keys", type=int, default=100_000, help="keys for memory and rotation (default: 100000)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(NAMES):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    options = Options(seconds=arguments.seconds, rounds=arguments.rounds, keys=arguments.keys)
    sections: dict[str, list[Figure]] = {}
    for name in arguments.names or NAMES:
        sections[name] = importlib.import_module(f"benchmarks.{name}").measure(options)
        if not arguments.json:
            sys.stdout.write(as_table(name, sections[name]) + "\n\n")
            sys.stdout.flush()
    if arguments.json:
        sys.stdout.write(as_json(dict(sections)) + "\n")


if __name__ == "__main__":
    main()
