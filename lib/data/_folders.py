"""Where the reader keeps data: the folders named in `$BOOK_DATA`."""

import os
from collections.abc import Iterator
from pathlib import Path


def named_folders() -> Iterator[Path]:
    """Give the folders in `$BOOK_DATA` (separated as in `$PATH`), in order.

    Raises
    ------
    FileNotFoundError
        When it comes to an entry that is no folder.
    """
    for entry in filter(None, os.environ.get("BOOK_DATA", "").split(os.pathsep)):
        folder = Path(entry).expanduser()
        if not folder.is_dir():  # a mistyped folder must not end in a download
            raise FileNotFoundError(f"BOOK_DATA names {entry!r}, which is no folder: create it or take it out.")
        yield folder
