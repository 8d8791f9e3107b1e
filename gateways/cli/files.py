"""Reading what a person names on the command line.

The rule of this module: a file that cannot be read is bad input, told like any other; - is
standard input.
"""

import sys
from pathlib import Path

from dialer.errors import InputError

STANDARD_INPUT = Path("-")
INPUT_NAME = "standard input"


def read_text(path: Path) -> tuple[str, str]:
    """A file's text, and what errors call it.

    Raises:
        InputError: it cannot be read, or is not UTF-8 text.
    """
    name = shown(path)
    try:
        data = sys.stdin.buffer.read() if path == STANDARD_INPUT else path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from None
    try:
        return data.decode("utf-8-sig"), name
    except UnicodeDecodeError as bad:
        line = data.count(b"\n", 0, bad.start) + 1
        raise InputError(f"{name}:{line}", "not UTF-8 text", "save it as UTF-8") from None


def shown(path: Path) -> str:
    """What errors call a file."""
    return INPUT_NAME if path == STANDARD_INPUT else str(path)


def unreadable(path: Path, error: OSError) -> InputError:
    """The error for a file that cannot be read."""
    what = f"cannot be read: {error.strerror}"
    return InputError(shown(path), what, "check its path and permissions")
