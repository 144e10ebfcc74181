"""Fetch an image set, check its sum, and leave it in the cache folder as one `.npz` file."""

import http.client
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from lib.data._formats import CIFAR_MEMBERS, read_cifar, read_idx_folder, write_npz

TIMEOUT = 30.0  # seconds without an answer after which a server counts as unreachable
SIZES = {"mnist": 11.6, "fashion-mnist": 30.9, "kmnist": 21.2, "cifar10": 170.1, "cifar100": 168.5}  # megabytes

# The classes of torchvision that know where the idx files are, and their MD5 sums.
TORCHVISION = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST", "kmnist": "KMNIST"}

# torchvision's CIFAR classes unpickle the Python version, so the binary version is fetched instead.
# Archive and MD5 sum as listed on the sets' own page, https://www.cs.toronto.edu/~kriz/cifar.html.
CIFAR_SITE = "https://www.cs.toronto.edu/~kriz/"
CIFAR_ARCHIVES = {
    "cifar10": ("cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530"),
    "cifar100": ("cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8"),
}


class DownloadError(Exception):
    """A set could not be fetched; the message is the reason alone."""


class Remote(NamedTuple):
    """One file to fetch."""

    filename: str
    md5: str
    urls: tuple[str, ...]  # tried in turn


def remotes(name: str) -> list[Remote]:
    """List the files that make up the set `name`."""
    if name in CIFAR_ARCHIVES:
        filename, md5 = CIFAR_ARCHIVES[name]
        return [Remote(filename, md5, (CIFAR_SITE + filename,))]
    import torchvision.datasets  # slow to import, and needed for a download only

    source = getattr(torchvision.datasets, TORCHVISION[name])
    return [
        Remote(filename, md5, tuple(mirror + filename for mirror in source.mirrors))
        for filename, md5 in source.resources
    ]


def download(name: str, target: Path) -> None:
    """Fetch the set `name` and write it to `target`, an `.npz` file in the Keras layout.

    Everything is fetched into a hidden folder beside `target`, which is removed in the end however that comes, and
    `target` appears in one step once all checksums agree.

    Raises
    ------
    DownloadError
        If downloads are switched off (`BOOK_OFFLINE=1`), no server answers, a checksum is wrong, or the disk is full.
    """
    if os.environ.get("BOOK_OFFLINE", "0") not in ("", "0"):
        raise DownloadError("BOOK_OFFLINE is set")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=target.parent) as scratch:
            print(f"{name}: downloading {SIZES[name]} MB into {target}", file=sys.stderr, flush=True)
            for remote in remotes(name):
                _fetch_any(remote, Path(scratch))
            if name in CIFAR_MEMBERS:
                arrays = read_cifar(Path(scratch) / CIFAR_ARCHIVES[name][0], name)
            else:
                arrays = read_idx_folder(Path(scratch))
            write_npz(target, arrays)
    except (OSError, ValueError) as error:
        raise DownloadError(str(error)) from error


def _fetch_any(remote: Remote, folder: Path) -> None:
    reasons = []
    for url in remote.urls:
        try:
            return fetch(url, folder, remote.filename, remote.md5)
        # RuntimeError is torchvision's word for a wrong checksum.
        except (OSError, RuntimeError, http.client.HTTPException) as error:
            reasons.append(f"{url}: {error}")
    raise DownloadError("; ".join(reasons))


def fetch(url: str, folder: Path, filename: str, md5: str) -> None:
    """Download one file with torchvision, which checks its MD5 sum and shows a progress bar."""
    from torchvision.datasets.utils import download_url

    with _socket_timeout(TIMEOUT):
        download_url(url, str(folder), filename, md5)


@contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    """Bound each wait: torchvision sets no time limit and would hang behind a firewall that drops packets."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
