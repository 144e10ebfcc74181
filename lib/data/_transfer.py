"""Fetch large files, one by one, so that an interrupted download goes on where it stopped.

What has come so far lies in `.NAME.part` beside the file; the file itself appears in one step, when all has come and
can be read.
"""

import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from lib.data._download import TIMEOUT

CHUNK = 1 << 20  # bytes read at a time


class TransferError(Exception):
    """A file could not be fetched; the message is the reason alone."""


def size(url: str) -> int | None:
    """Ask a server for the size of a file, in bytes; None where it does not say.

    Raises
    ------
    TransferError
        If it does not answer, or has no such file.
    """
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=TIMEOUT) as answer:
            return _length(answer)
    except (OSError, http.client.HTTPException) as error:
        raise TransferError(f"{url}: {error}") from error


def fetch(url: str, target: Path, check: Callable[[Path], None]) -> None:
    """Fetch a file, going on where an earlier download was interrupted, and put it in place once it can be read.

    Parameters
    ----------
    url
        Where it comes from.
    target
        Where it goes.
    check
        Raises ValueError with the reason if a file cannot be read.

    Raises
    ------
    TransferError
        If the server does not answer, or the connection is cut (what has come is kept for the next time), or what has
        come cannot be read (it is removed).
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    try:
        _fill(url, part, target.name)
        check(part)
        part.replace(target)
    except ValueError as error:
        part.unlink(missing_ok=True)
        raise TransferError(f"{url} cannot be used, {error}") from error
    except (OSError, http.client.HTTPException) as error:
        raise TransferError(f"{url}: {error}") from error


def _fill(url: str, part: Path, name: str) -> None:
    """Get what is missing of a file."""
    from tqdm.auto import tqdm

    done = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={done}-"} if done else {})
    try:
        answer = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code != http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        part.unlink()  # as long as the whole, or longer, and yet not in place: it was no part of this file
        answer, done = urllib.request.urlopen(url, timeout=TIMEOUT), 0
    with answer, part.open("ab") as file:
        if answer.status != http.client.PARTIAL_CONTENT:  # all of it, from the start
            file.truncate(0)
            done = 0
        rest = _length(answer)
        total = None if rest is None else done + rest
        with tqdm(total=total, initial=done, desc=name, unit="B", unit_scale=True) as bar:
            while chunk := answer.read(CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
        file.flush()
        os.fsync(file.fileno())
        here = os.fstat(file.fileno()).st_size
    if total is not None and here != total:
        raise OSError(f"the connection was cut after {here:,} of {total:,} bytes, from where the next try goes on")


def _length(answer: http.client.HTTPResponse) -> int | None:
    length = answer.headers.get("Content-Length")
    return int(length) if length is not None and length.isdecimal() else None
