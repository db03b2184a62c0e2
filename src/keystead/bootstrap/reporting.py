"""What is told to the person at the terminal while the service runs."""

import sys


def tell(line: str) -> None:
    """Write a line to standard error."""
    sys.stderr.write(f"keystead: {line}\n")
    sys.stderr.flush()


def show(text: str) -> None:
    """Write a text to standard output at once."""
    sys.stdout.write(text)
    sys.stdout.flush()
