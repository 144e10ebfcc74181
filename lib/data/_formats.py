"""Read and write the file formats of image sets, and `.npz` files of any content. Nothing here unpickles.

Every reader of an image set returns the arrays of the Keras layout: `x_train`, `x_test` of uint8, shape (N, H, W) or
(N, H, W, C); `y_train`, `y_test` of integers, shape (N,). A reader that finds damage raises ValueError with the reason
alone: the caller knows the file and the remedy.
"""

import gzip
import io
import math
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lib import provenance
from lib.files import whole

KEYS = ("x_train", "y_train", "x_test", "y_test")
Arrays = dict[str, NDArray]

IDX_FILES = {
    "x_train": "train-images-idx3-ubyte.gz",
    "y_train": "train-labels-idx1-ubyte.gz",
    "x_test": "t10k-images-idx3-ubyte.gz",
    "y_test": "t10k-labels-idx1-ubyte.gz",
}

LARGEST = 1 << 28  # bytes of the largest array of any set, CIFAR's train images, rounded up to a power of two

CIFAR_SIDE = 32
CIFAR_PIXELS = 3 * CIFAR_SIDE**2
# name: (member files of the train part, of the test part, label bytes before the pixels)
CIFAR_MEMBERS = {
    "cifar10": (
        tuple(f"cifar-10-batches-bin/data_batch_{k}.bin" for k in range(1, 6)),
        ("cifar-10-batches-bin/test_batch.bin",),
        1,
    ),
    "cifar100": (("cifar-100-binary/train.bin",), ("cifar-100-binary/test.bin",), 2),
}


def read_npz(path: Path, keys: Sequence[str] = KEYS, *, most: float | None = None) -> Arrays:
    """Read the arrays called `keys` of an `.npz` file, those of the Keras layout by default.

    Each member is read to its end before it is parsed, so that zip's CRC-32 is checked over all of it: `numpy.load`
    stops where the array's header says, and a damaged header could then pass. Members that announce more than `most`
    bytes together, by default the machine's memory, are not read: compressed, a gigabyte of zeros is a megabyte.
    """
    most = provenance.memory_gib() * 2**30 if most is None else most
    with path.open("rb") as file:
        if file.read(1) == b"":
            raise ValueError("the file is empty")
        try:
            with zipfile.ZipFile(file) as archive:
                names = set(archive.namelist())
                members = {key: f"{key}.npy" for key in keys if f"{key}.npy" in names}
                announced = sum(archive.getinfo(member).file_size for member in members.values())
                if announced > most:
                    raise ValueError(f"its arrays take {announced:,} bytes, and there can be {int(most):,} at most")
                arrays = {key: _parse_npy(archive.read(member)) for key, member in members.items()}
        except Exception as error:  # damage surfaces as any of a dozen types: BadZipFile, zlib.error, EOFError, ...
            raise ValueError(f"it is damaged or no .npz file ({first_line(error)})") from error
    if missing := [key for key in keys if key not in arrays]:
        raise ValueError(f"it lacks {', '.join(missing)}")
    return arrays


def first_line(error: Exception) -> str:
    """Say in one line what an error of another library says, or of which type it is where it says nothing."""
    line = (str(error).strip() or type(error).__name__).splitlines()[0]
    return line if len(line) <= 200 else f"{line[:200]}..."  # some quote half of the file


def _parse_npy(raw: bytes) -> NDArray:
    file = io.BytesIO(raw)
    header = np.lib.format.read_array_header_1_0 if raw[6:7] == b"\x01" else np.lib.format.read_array_header_2_0
    np.lib.format.read_magic(file)
    shape, _, dtype = header(file)
    announced = math.prod(shape) * dtype.itemsize  # of Python integers, so that sizes do not overflow
    if not dtype.hasobject and announced > len(raw) - file.tell():  # numpy would make room for it first
        raise ValueError(f"an array of shape {shape} needs {announced:,} bytes and has {len(raw) - file.tell():,}")
    file.seek(0)
    return np.lib.format.read_array(file, allow_pickle=False)


def write_npz(path: Path, arrays: Arrays) -> None:
    """Write `arrays` to `path` so that a crash at any moment leaves the old file or the new one, never a part."""
    with whole(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)


def read_idx_folder(folder: Path) -> Arrays:
    """Read the four gzipped idx files of an MNIST-like set."""
    return {key: read_idx(folder / name) for key, name in IDX_FILES.items()}


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read a gzipped idx file of unsigned bytes.

    The format (LeCun, The MNIST database): two zero bytes, the type (8: unsigned byte), the number of dimensions, one
    big-endian 32-bit size for each, then the values.
    """
    if not path.exists():
        raise ValueError(f"{path.name} is missing")
    compressed = path.read_bytes()
    if not compressed:
        raise ValueError(f"{path.name} is empty")
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(compressed)) as stream:
            raw = stream.read(LARGEST + 1)
    except Exception as error:  # BadGzipFile, EOFError, zlib.error, struct.error
        raise ValueError(f"{path.name} is damaged ({first_line(error)})") from error
    if len(raw) > LARGEST:
        raise ValueError(f"{path.name} holds more than the {LARGEST:,} bytes that any set has")
    if raw[:3] != b"\x00\x00\x08" or len(raw) < 4 or len(raw) < 4 + 4 * raw[3]:
        raise ValueError(f"{path.name} is no idx file of unsigned bytes")
    start = 4 + 4 * raw[3]
    shape = tuple(int(size) for size in np.frombuffer(raw, ">u4", count=raw[3], offset=4))
    values = np.frombuffer(raw, np.uint8, offset=start)
    if values.size != np.prod(shape, dtype=object):  # Python integers: damaged sizes must not overflow
        raise ValueError(f"{path.name} announces {shape} values and holds {values.size}")
    return values.reshape(shape).copy()


def read_cifar(path: Path, name: str) -> Arrays:
    """Read the archive of the *binary* version of CIFAR-10 or CIFAR-100.

    One record is the label bytes (CIFAR-100: coarse, then fine; the fine one is kept) and 3 x 32 x 32 pixel bytes,
    channel first. The Python version holds pickles and is never touched. Members are read in memory, none is extracted.
    """
    train, test, label_bytes = CIFAR_MEMBERS[name]
    arrays: Arrays = {}
    try:
        with gzip.open(path) as stream, tarfile.open(fileobj=stream) as archive:
            for part, members in (("train", train), ("test", test)):
                raw = b"".join(_member(archive, member) for member in members)
                records = np.frombuffer(raw, np.uint8).reshape(-1, label_bytes + CIFAR_PIXELS)
                pixels = records[:, label_bytes:].reshape(-1, 3, CIFAR_SIDE, CIFAR_SIDE)
                arrays[f"x_{part}"] = np.ascontiguousarray(pixels.transpose(0, 2, 3, 1))
                arrays[f"y_{part}"] = records[:, label_bytes - 1].astype(np.int64)
            while stream.read(1 << 20):  # to its end, where gzip's CRC-32 of all of it is checked
                pass
    except Exception as error:  # tarfile.TarError, EOFError, zlib.error, KeyError, reshape's ValueError
        raise ValueError(f"{path.name} is damaged or not the binary version of {name} ({first_line(error)})") from error
    return arrays


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    if file is None:  # a folder or a link to nowhere of that name
        raise ValueError(f"{name} is no file")
    raw = file.read(LARGEST + 1)
    if len(raw) > LARGEST:
        raise ValueError(f"{name} holds more than {LARGEST:,} bytes")
    return raw
