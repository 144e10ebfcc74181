"""Write a file whole or not at all."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_A_DAY = 86_400  # seconds; no write of ours takes that long


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give a temporary name in the folder of `path`, and put the file written there in its place at the end.

    A crash at any moment leaves the old file or the new one, never a part; an exception leaves the old one and nothing
    else. The folder is made if need be. Two processes that write the same file at once do not disturb each other: the
    last one wins. What processes left behind that were killed in mid-write is removed when it is a day old.

    Parameters
    ----------
    path
        File to make or replace.

    Raises
    ------
    OSError
        If the folder cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with whole(Path(folder) / "new" / "file.txt") as temporary:
    ...         _ = temporary.write_text("all of it")
    ...     [file.name for file in (Path(folder) / "new").iterdir()]
    ['file.txt']
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _drop_leftovers(path.parent)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        if os.name == "posix":  # elsewhere a folder cannot be opened, hence not synced
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    finally:
        temporary.unlink(missing_ok=True)


def caches() -> Path:
    """Return the folder of the reader's caches, ``~/.cache/inside-learning``.

    Raises
    ------
    FileNotFoundError
        If it is not known whose home that is, as for a user of a container that has a number only.
    """
    try:
        return Path.home() / ".cache" / "inside-learning"
    except RuntimeError as error:
        raise FileNotFoundError(
            "There is no home folder for caches: set HOME to a folder, or both BOOK_CACHE and BOOK_RUNS."
        ) from error


def _drop_leftovers(folder: Path) -> None:
    for left in folder.glob(f".*.{'[0-9a-f]' * 32}.part"):
        with suppress(OSError):  # another process may have been faster
            if time.time() - left.stat().st_mtime > _A_DAY:
                left.unlink()
