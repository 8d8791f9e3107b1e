"""The files of a journal's folder.

The rule of this module: segments are numbered in the order of writing, so their names sort by
age; a number is used once, and a segment that a daemon has left is never written again.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

SUFFIX = ".fdj"
_DIGITS = 8


class Segment(NamedTuple):
    """One file. changed_at: its last write, seconds since the epoch."""

    path: Path
    number: int
    size_bytes: int
    changed_at: float


def segments(folder: Path) -> list[Segment]:
    """The segments of a folder, oldest first; none where there is no folder."""
    found = []
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return []
    for entry in entries:
        number = entry.name.removesuffix(SUFFIX)
        if entry.name.endswith(SUFFIX) and number.isdecimal():
            # Retention may take a file between the listing and the look at it.
            with suppress(FileNotFoundError):
                seen = entry.stat()
                found.append(Segment(Path(entry.path), int(number), seen.st_size, seen.st_mtime))
    return sorted(found, key=lambda segment: segment.number)


def create_next(folder: Path) -> tuple[int, Path]:
    """Open a new segment after all that are there; gives its file descriptor and path.

    Raises:
        OSError: it cannot be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    held = segments(folder)
    number = held[-1].number + 1 if held else 1
    while True:
        path = folder / f"{number:0{_DIGITS}d}{SUFFIX}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        try:
            return os.open(path, flags, 0o640), path
        except FileExistsError:
            number += 1


def remove_old(folder: Path, current: Path, keep_bytes: int, before: float) -> list[Path]:
    """Remove the oldest segments beyond `keep_bytes` in total, and those last written `before`.

    The current segment stays, however large. What cannot be removed is left for the next time.
    """
    removed = []
    held = segments(folder)
    total_bytes = sum(segment.size_bytes for segment in held)
    for segment in held:
        if segment.path == current:
            continue
        if total_bytes <= keep_bytes and segment.changed_at >= before:
            break
        with suppress(OSError):
            segment.path.unlink()
            total_bytes -= segment.size_bytes
            removed.append(segment.path)
    return removed
