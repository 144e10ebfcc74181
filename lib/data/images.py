"""Image sets, whole and resident on one device."""

import difflib
import math
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lib.data._catalogue import CATALOGUE
from lib.data._download import DownloadError, download
from lib.data._folders import named_folders
from lib.data._formats import KEYS, Arrays, read_idx_folder, read_npz
from lib.files import caches

NAMES = tuple(CATALOGUE)
DEBIAN_FASHION = Path("/usr/share/datasets/fashion-mnist")  # Debian's package dataset-fashion-mnist

Part = Literal["train", "test"]


@dataclass(frozen=True, eq=False, repr=False)
class ImageSet:
    """A labelled image set with a train and a test part, all tensors on one device.

    Attributes
    ----------
    name : str
        Name under which `load` finds the set.
    x_train, x_test : Tensor
        Images, uint8, shape (N, C, H, W): channels first, one channel for grey; 0 is black (no ink), 255 white.
    y_train, y_test : Tensor
        Labels, int64, shape (N,), each an index into `classes`.
    classes : tuple of str
        Names of the classes.
    source : str
        Where the images were read from.
    published : tuple of int
        Number of train and test images of the set as published; `n_train` and `n_test` say how many are here.

    Raises
    ------
    ValueError
        If a tensor has another dtype or shape, a part is empty, images and labels differ in number or device, or a
        label names no class.

    Examples
    --------
    >>> from lib.data import load
    >>> digits = load("digits")
    >>> digits
    ImageSet(digits: 1,437 train and 360 test images of 1 x 8 x 8, 10 classes, from scikit-learn's embedded digits)
    >>> digits.vectors("train").shape
    torch.Size([1437, 64])
    """

    name: str
    x_train: Tensor
    y_train: Tensor
    x_test: Tensor
    y_test: Tensor
    classes: tuple[str, ...]
    source: str
    published: tuple[int, int]

    def __post_init__(self) -> None:
        for part in ("train", "test"):
            x, y = getattr(self, f"x_{part}"), getattr(self, f"y_{part}")
            if x.dtype != torch.uint8 or x.ndim != 4:
                raise ValueError(f"x_{part} must be uint8 (N, C, H, W), but is {_describe(x)}")
            if y.dtype != torch.int64 or y.ndim != 1:
                raise ValueError(f"y_{part} must be int64 (N,), but is {_describe(y)}")
            if len(x) != len(y):
                raise ValueError(f"x_{part} has {len(x)} images but y_{part} has {len(y)} labels")
            if x.numel() == 0:
                raise ValueError(f"x_{part} is empty: its shape is {tuple(x.shape)}")
            low, high = int(y.min()), int(y.max())
            if low < 0 or high >= len(self.classes):
                raise ValueError(
                    f"y_{part} holds labels from {low} to {high}, but {len(self.classes)} classes are numbered from 0"
                )
        if self.x_train.shape[1:] != self.x_test.shape[1:]:
            raise ValueError(
                f"train images are {_size(self.x_train)}, test images {_size(self.x_test)}: they must be alike"
            )
        if len({tensor.device for tensor in (self.x_train, self.y_train, self.x_test, self.y_test)}) > 1:
            raise ValueError("the four tensors must be on one device: move them with .to(device) first")

    def __repr__(self) -> str:
        counts = []
        for part, here, whole in zip(("train", "test"), (self.n_train, self.n_test), self.published, strict=True):
            counts.append(f"{here:,} {part}" if here == whole else f"{here:,} of {whole:,} {part}")
        return (
            f"ImageSet({self.name}: {' and '.join(counts)} images of {_size(self.x_train)}, "
            f"{len(self.classes)} classes, from {self.source})"
        )

    @property
    def n_train(self) -> int:
        """Number of train images that are here."""
        return len(self.x_train)

    @property
    def n_test(self) -> int:
        """Number of test images that are here."""
        return len(self.x_test)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of one image."""
        channels, height, width = self.x_train.shape[1:]
        return channels, height, width

    @property
    def features(self) -> int:
        """Number of values in one image: C x H x W."""
        return self.x_train[0].numel()

    @property
    def device(self) -> torch.device:
        """Device of all four tensors."""
        return self.x_train.device

    def to(self, device: str | torch.device) -> "ImageSet":
        """Return the same set with all tensors on `device`."""
        return replace(
            self,
            x_train=self.x_train.to(device),
            y_train=self.y_train.to(device),
            x_test=self.x_test.to(device),
            y_test=self.y_test.to(device),
        )

    def floats(self, part: Part = "train", *, dtype: torch.dtype = torch.float32) -> Tensor:
        """Return the images of one part as numbers in [0, 1]: x / 255.

        Parameters
        ----------
        part : "train" or "test"
            Which images.
        dtype : torch.dtype
            Floating-point type of the result.

        Returns
        -------
        Tensor
            Shape (N, C, H, W), on the set's device.

        Examples
        --------
        >>> from lib.data import load
        >>> load("digits").floats("test").max()
        tensor(1.)
        """
        if part not in ("train", "test"):
            raise ValueError(f"part must be 'train' or 'test', not {part!r}")
        return (self.x_train if part == "train" else self.x_test).to(dtype) / 255

    def vectors(self, part: Part = "train", *, dtype: torch.dtype = torch.float32) -> Tensor:
        """Return `floats` with each image laid out as one row: shape (N, C x H x W), channel by channel, row by row."""
        return self.floats(part, dtype=dtype).flatten(1)


def load(name: str = "digits", *, size: int | None = None, device: str | torch.device | None = None) -> ImageSet:
    """Load an image set by name.

    `digits` comes with scikit-learn and needs no file: 1,797 real handwritten digits of 8 x 8 pixels (Alpaydin and
    Kaynak, Optical recognition of handwritten digits, UCI repository, 1998), whose levels 0 to 16 become 0 to 255. Its
    split is ours: a fixed draw (seed 0) of 360 test images, stratified by class, 1,437 are left for training; both
    parts keep the source's order. The draw is over images, so one writer's digits may be in both parts.

    Every other set is looked for, in this order, as

    1. `NAME.npz` in the folders named in `$BOOK_DATA` (separated as in `$PATH`), in the Keras layout: `x_train`,
       `x_test` of uint8, shape (N, H, W) or (N, H, W, C); `y_train`, `y_test` of any integer type. Fewer images than
       were published are accepted, and stated in what is returned;
    2. `NAME.npz` in the cache folder, `$BOOK_CACHE/data` or `~/.cache/inside-learning/data`;
    3. Fashion-MNIST only: the files of Debian's package `dataset-fashion-mnist`;
    4. a download into the cache folder, its size shown first and its MD5 sum checked, unless `$BOOK_OFFLINE` is 1.

    A damaged file of the user's or of Debian's is an error. A damaged file in the cache is named in a warning and
    fetched anew. Nothing is ever unpickled.

    Parameters
    ----------
    name : str
        One of `lib.data.NAMES`: digits, mnist, fashion-mnist, kmnist, cifar10, cifar100.
    size : int, optional
        Upscale the images to `size` x `size` pixels (bilinear, rounded to whole levels; on the CPU, so that every
        device gets the same images). Without it they keep their own size.
    device : str or torch.device, optional
        Where the tensors live; the CPU by default.

    Returns
    -------
    ImageSet
        The set, whole, on `device`.

    Raises
    ------
    ValueError
        If the name is unknown (the nearest known one is named), a file is damaged or of the wrong content, or `size`
        is less than the images' own.
    FileNotFoundError
        If the set is nowhere and cannot be downloaded, or a folder of `$BOOK_DATA` does not exist.

    Examples
    --------
    >>> load("digits").x_train.shape
    torch.Size([1437, 1, 8, 8])
    >>> load("digits", size=28).features
    784
    >>> load("fashion_mnist")
    Traceback (most recent call last):
    ValueError: no image set is called 'fashion_mnist'; did you mean 'fashion-mnist'?
    """
    if name not in CATALOGUE:
        raise ValueError(f"no image set is called {name!r}; {_suggestion(name)}")
    images = _digits() if name == "digits" else _find(name)
    if size is not None:
        images = _upscale(images, size)
    return images if device is None else images.to(device)


def cache_folder() -> Path:
    """Return the folder in which downloaded sets are kept: `$BOOK_CACHE/data` or `~/.cache/inside-learning/data`."""
    return Path(os.environ.get("BOOK_CACHE") or caches()).expanduser() / "data"


def _suggestion(name: object) -> str:
    close = difflib.get_close_matches(str(name).lower(), NAMES, n=1)
    return f"did you mean {close[0]!r}?" if close else f"choose one of {', '.join(NAMES)}."


def _digits() -> ImageSet:
    from sklearn.datasets import load_digits  # slow to import
    from sklearn.model_selection import train_test_split

    source = load_digits()
    x = np.rint(source.images * (255 / 16)).astype(np.uint8)
    parts = train_test_split(np.arange(len(x)), test_size=360, stratify=source.target, random_state=0)
    train, test = (np.sort(part) for part in parts)
    arrays = {
        "x_train": x[train],
        "y_train": source.target[train],
        "x_test": x[test],
        "y_test": source.target[test],
    }
    return _image_set("digits", arrays, "scikit-learn's embedded digits")


def _find(name: str) -> ImageSet:
    remedy = "replace the file, or remove it so that the set is looked for elsewhere"
    for folder in named_folders():
        if os.path.lexists(path := folder / f"{name}.npz"):  # a link to nowhere must not end in a download
            return _open(name, path, partial(read_npz, most=_most_bytes(name)), remedy)
    cached = cache_folder() / f"{name}.npz"
    if cached.exists():
        try:
            return _open(name, cached, partial(read_npz, most=_most_bytes(name)), "it is fetched anew")
        except ValueError as error:
            warnings.warn(str(error), stacklevel=3)
    if name == "fashion-mnist" and DEBIAN_FASHION.is_dir():
        return _open(name, DEBIAN_FASHION, read_idx_folder, "install the package dataset-fashion-mnist again")
    try:
        download(name, cached)
    except DownloadError as error:
        package = " or install Debian's package dataset-fashion-mnist," if name == "fashion-mnist" else ""
        raise FileNotFoundError(
            f"{name} is not on this machine and cannot be downloaded ({error}): put {name}.npz, with {', '.join(KEYS)} "
            f"in the Keras layout, into a folder named in BOOK_DATA,{package} or call load({name!r}) with internet "
            "access."
        ) from error
    return _open(name, cached, read_npz, "remove it")


def _open(name: str, path: Path, read: Callable[[Path], Arrays], remedy: str) -> ImageSet:
    try:
        return _image_set(name, read(path), str(path))
    except OSError as error:  # a folder, a link to nowhere, no right to read
        raise ValueError(f"{path} cannot be used, it cannot be read ({error.strerror}): {remedy}.") from error
    except ValueError as error:
        raise ValueError(f"{path} cannot be used, {error}: {remedy}.") from error


def _most_bytes(name: str) -> int:
    """Bytes that a file of the set takes at most when it is unpacked: all images, labels of 8 bytes, headers."""
    entry = CATALOGUE[name]
    return sum(entry.published) * (math.prod(entry.shape) + 8) + (1 << 16)


def _image_set(name: str, arrays: Arrays, source: str) -> ImageSet:
    """Turn arrays in the Keras layout into an ImageSet that agrees with the catalogue."""
    entry = CATALOGUE[name]
    tensors: dict[str, Tensor] = {}
    for part, whole in zip(("train", "test"), entry.published, strict=True):
        x = _pixels(arrays[f"x_{part}"], f"x_{part}")
        if tuple(x.shape[1:]) != entry.shape:
            raise ValueError(f"x_{part} holds images of {_size(x)}, but those of {name} are {_times(entry.shape)}")
        if len(x) > whole:
            raise ValueError(f"x_{part} holds {len(x):,} images, but {name} has only {whole:,}")
        tensors[f"x_{part}"], tensors[f"y_{part}"] = x, _labels(arrays[f"y_{part}"], f"y_{part}")
    return ImageSet(name, **tensors, classes=entry.classes, source=source, published=entry.published)


def _pixels(x: NDArray, key: str) -> Tensor:
    if x.dtype != np.uint8 or x.ndim not in (3, 4):
        raise ValueError(f"{key} must be uint8 (N, H, W) or (N, H, W, C), but is {x.dtype} {x.shape}")
    channels_last = x if x.ndim == 4 else x[..., None]
    return torch.from_numpy(channels_last).permute(0, 3, 1, 2).contiguous()


def _labels(y: NDArray, key: str) -> Tensor:
    if y.dtype.kind not in "iu" or y.ndim == 0 or y.size != len(y):  # Keras also writes (N, 1)
        raise ValueError(f"{key} must be integers (N,), but is {y.dtype} {y.shape}")
    return torch.from_numpy(y.reshape(-1).astype(np.int64))


def _upscale(images: ImageSet, size: int) -> ImageSet:
    own = max(images.shape[1:])
    if size < own:
        raise ValueError(f"size={size} is less than the {own} pixels of {images.name}: give {own} or more, or none.")

    def enlarge(x: Tensor) -> Tensor:
        larger = torch.nn.functional.interpolate(x.float(), size=(size, size), mode="bilinear", align_corners=False)
        return larger.round().to(torch.uint8)

    return replace(
        images,
        x_train=enlarge(images.x_train),
        x_test=enlarge(images.x_test),
        source=f"{images.source}, upscaled to {size} x {size}",
    )


def _describe(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"


def _size(x: Tensor) -> str:
    return _times(tuple(x.shape[1:]))


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
