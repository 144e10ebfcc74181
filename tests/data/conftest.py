"""Small made-up image sets, and an environment in which nothing outside the test's folder is read or fetched."""

import gzip
import io
import struct
import tarfile
from pathlib import Path

import numpy as np
import pytest

from lib.data import images
from lib.data._formats import CIFAR_MEMBERS


@pytest.fixture(autouse=True)
def _isolated(monkeypatch, tmp_path):
    monkeypatch.delenv("BOOK_DATA", raising=False)
    monkeypatch.setenv("BOOK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BOOK_OFFLINE", "1")
    monkeypatch.setattr(images, "DEBIAN_FASHION", tmp_path / "no-debian-package")


@pytest.fixture
def make_arrays():
    """Random images and labels in the Keras layout; the first label of each part is `mark`, to tell sets apart."""

    def make(n_train=7, n_test=4, shape=(28, 28), classes=10, mark=0):
        rng = np.random.default_rng(mark)
        arrays = {}
        for part, n in (("train", n_train), ("test", n_test)):
            arrays[f"x_{part}"] = rng.integers(0, 256, (n, *shape), dtype=np.uint8)
            arrays[f"y_{part}"] = rng.integers(0, classes, n)
            arrays[f"y_{part}"][:1] = mark
        return arrays

    return make


@pytest.fixture
def put_npz(make_arrays):
    """Write `folder/NAME.npz` from made-up arrays, some of them replaced (or left out, where the new value is None)."""

    def put(folder: Path, name="mnist", changes=None, **options):
        folder.mkdir(parents=True, exist_ok=True)
        arrays = make_arrays(**options) | (changes or {})
        path = folder / f"{name}.npz"
        np.savez(path, **{key: value for key, value in arrays.items() if value is not None})
        return path

    return put


def _idx_bytes(values: np.ndarray) -> bytes:
    return (
        struct.pack(">BBBB", 0, 0, 8, values.ndim) + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()
    )


@pytest.fixture
def idx_bytes():
    """Bytes of an idx file, not compressed."""
    return _idx_bytes


@pytest.fixture
def put_idx(make_arrays):
    """Write the four gzipped idx files of an MNIST-like set into a folder."""

    def put(folder: Path, **options):
        folder.mkdir(parents=True, exist_ok=True)
        arrays = make_arrays(**options)
        stems = {"train": "train", "test": "t10k"}
        for part, stem in stems.items():
            x, y = arrays[f"x_{part}"], arrays[f"y_{part}"].astype(np.uint8)
            (folder / f"{stem}-images-idx3-ubyte.gz").write_bytes(gzip.compress(_idx_bytes(x)))
            (folder / f"{stem}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(_idx_bytes(y)))
        return arrays

    return put


@pytest.fixture
def put_cifar():
    """Write an archive in the layout of CIFAR's binary version; `changes` maps member names to other bytes."""

    def put(path: Path, name, arrays, **changes):
        train, test, label_bytes = CIFAR_MEMBERS[name]
        with tarfile.open(path, "w:gz") as archive:
            for part, members in (("train", train), ("test", test)):
                x, y = arrays[f"x_{part}"], arrays[f"y_{part}"]
                for rows, member in zip(np.array_split(np.arange(len(x)), len(members)), members, strict=True):
                    labels = np.zeros((len(rows), label_bytes), np.uint8)
                    labels[:, -1] = y[rows]
                    pixels = x[rows].transpose(0, 3, 1, 2).reshape(len(rows), -1)
                    raw = changes.get(member, np.concatenate([labels, pixels], 1).tobytes())
                    info = tarfile.TarInfo(member)
                    info.size = len(raw)
                    archive.addfile(info, io.BytesIO(raw))

    return put
