"""The file of a record: written whole or not at all, and noticed when it is damaged.

A record is one Dataset in one NetCDF file, with a digest of its content among its attributes and a sum of its bytes at
its end. Records of long runs lie in ``book/records`` with the source, all others in a cache folder.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from lib import netcdf, provenance
from lib.files import caches, whole

_SEAL = re.compile(rb"\nsha256 ([0-9a-f]{64})\n")  # last line of a record's file: the sum of all bytes before
_SEAL_LENGTH = 73


class RecordError(Exception):
    """A file is no whole record."""


def stored_folder() -> Path:
    """Return the folder of the records that belong to the book: ``$BOOK_RECORDS``, or ``book/records``."""
    return Path(os.environ.get("BOOK_RECORDS") or provenance.ROOT / "book" / "records")


def cache_folder() -> Path:
    """Return the folder of all other records."""
    return Path(os.environ.get("BOOK_RUNS") or caches() / "runs")


def digest(dataset: xr.Dataset) -> str:
    """Return a hash of all values, dimensions and attributes, whatever file they are stored in."""
    total = hashlib.sha256()
    for name in sorted(map(str, dataset.variables)):
        variable = dataset.variables[name]
        values = np.asarray(variable.values)
        if values.dtype.kind in "OSU":
            content = json.dumps(values.astype(str).tolist()).encode()
        else:
            content = np.ascontiguousarray(values).tobytes()
        shape = [name, list(map(str, variable.dims)), list(values.shape), _plain(variable.attrs)]
        total.update(json.dumps(shape, sort_keys=True).encode())
        total.update(content)
    attributes = {key: value for key, value in dataset.attrs.items() if key != "content_sha256"}
    total.update(json.dumps(_plain(attributes), sort_keys=True).encode())
    return total.hexdigest()


def _plain(attributes: dict[Any, Any]) -> dict[str, Any]:
    return {
        str(key): value.item() if isinstance(value, np.generic) else value
        for key, value in attributes.items()
        if key != "_FillValue"
    }


def write(dataset: xr.Dataset, path: Path) -> xr.Dataset:
    """Write a record so that a crash at any moment leaves either the old file or the new one.

    Returns
    -------
    Dataset
        The record as stored, with its digest.

    Raises
    ------
    OSError
        If the folder cannot be written, or the disk is full; nothing is left behind.
    """
    encoding = {
        name: {"zlib": True, "complevel": 5, "shuffle": True}
        for name, variable in dataset.data_vars.items()
        if variable.ndim and variable.dtype.kind in "fiub"
    }
    signed = dataset.assign_attrs(content_sha256=digest(dataset))
    with whole(path) as temporary:
        netcdf.write(signed, temporary, encoding)
        content = hashlib.sha256(temporary.read_bytes()).hexdigest()
        with temporary.open("ab") as file:  # HDF5 takes no notice of what comes after its end
            file.write(f"\nsha256 {content}\n".encode())
    return signed


def read(path: Path) -> xr.Dataset:
    """Read a record whole and check it against its sum and its digest.

    Raises
    ------
    RecordError
        If the file is no record, or not as it was written.
    """
    try:
        content = path.read_bytes()
        seal = _SEAL.search(content[-_SEAL_LENGTH:])
        # Asked first, for HDF5 may search a damaged heap forever; older records have no such line.
        if seal and hashlib.sha256(content[:-_SEAL_LENGTH]).hexdigest().encode() != seal[1]:
            raise RecordError(f"{path} is damaged: its bytes do not match the sum at its end.")
        dataset = netcdf.read(path)
        found = digest(dataset)  # xarray decodes values when they are asked for
    except RecordError:
        raise
    except Exception as error:  # h5py and xarray raise what they like on damaged files
        raise RecordError(f"{path} is no readable record ({type(error).__name__}).") from error
    if "content_sha256" not in dataset.attrs:
        raise RecordError(f"{path} is no record of this library: it carries no digest of its content.")
    for variable in dataset.variables.values():
        variable.encoding = {}
    if found != dataset.attrs["content_sha256"]:
        raise RecordError(f"{path} is damaged: its content does not match its digest.")
    return dataset
