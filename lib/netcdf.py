"""Read a NetCDF file whole and fast, and write it so that a full disk is an ordinary error.

xarray reads NetCDF 4 through h5netcdf, which looks up every dimension of every variable many times over: a second for a
record of fifty small variables. Here HDF5 is read directly, each dimension is named once, and xarray decodes the rest.
"""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5netcdf
import h5py
import numpy as np
import xarray as xr
from xarray.backends import H5NetCDFStore

_OF_HDF5 = {"CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST", "_nc3_strict", "_NCProperties"}
_LARGE, _COMPRESSION = 1 << 26, 10_000  # bytes of which nobody need ask; deflate reaches 1,032 at most
_OF_NETCDF = "_Netcdf4"  # begins the names of attributes that belong to the format
_NO_VARIABLE = b"This is a netCDF dimension but not a netCDF variable"


def read(path: Path) -> xr.Dataset:
    """Return all variables and attributes of a file without groups, decoded as `xarray.open_dataset` would.

    Parameters
    ----------
    path
        Of a NetCDF 4 file.

    Raises
    ------
    OSError, KeyError, ValueError
        If it is no such file, or a damaged one, also one that announces more values than it can hold.
    """
    with h5py.File(path, "r") as file:
        names = {file[name].id: name for name in file}
        variables = {}
        for name, stored in file.items():
            require_content(stored)
            if not bytes(stored.attrs.get("NAME", b"")).startswith(_NO_VARIABLE):
                variables[name] = xr.Variable(
                    _dimensions(file, stored, name, names), _values(stored), _attributes(stored)
                )
        attributes = _attributes(file)
    return xr.decode_cf(xr.Dataset(variables, attrs=attributes))


def write(dataset: xr.Dataset, path: Path, encoding: Mapping[str, Mapping[str, Any]] | None = None) -> None:
    """Write a dataset as `xarray.Dataset.to_netcdf` would; the file is put together in memory.

    HDF5 does not survive a disk that fills up while it writes: the process ends.

    Parameters
    ----------
    dataset
        What to write.
    path
        File to make or overwrite.
    encoding
        How variables are stored, by name.

    Raises
    ------
    OSError
        If the file cannot be written, or there is no space for it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(xr.Dataset({"x": ("t", [1.0, 2.0])}), Path(folder, "x.nc"))
    ...     read(Path(folder, "x.nc"))["x"].values
    array([1., 2.])
    """
    content = io.BytesIO()
    with h5netcdf.File(content, "w") as file:
        dataset.dump_to_store(H5NetCDFStore(file), encoding=encoding)
    path.write_bytes(content.getbuffer())


def require_content(stored: h5py.Dataset) -> None:
    """Refuse a dataset whose header announces far more values than the file holds, before room is made for them.

    Raises
    ------
    ValueError
        If it announces more than 64 MiB, and ten thousand times what is stored: no compression of data does that.
    """
    held = stored.id.get_storage_size()
    if stored.nbytes > max(_LARGE, _COMPRESSION * held):
        raise ValueError(f"{stored.name} announces {stored.nbytes:,} bytes of shape {stored.shape} and holds {held:,}")


def _dimensions(file: h5py.File, stored: h5py.Dataset, name: str, names: dict[Any, str]) -> list[str]:
    if "DIMENSION_LIST" not in stored.attrs:  # a coordinate of its own dimension
        return [name] * stored.ndim
    return [names[file[scales[0]].id] for scales in stored.attrs["DIMENSION_LIST"]]


def _values(stored: h5py.Dataset) -> Any:
    if h5py.check_string_dtype(stored.dtype):
        return np.asarray(stored.asstr()[()], dtype=object)
    return stored[()]


def _attributes(stored: h5py.Dataset | h5py.File) -> dict[str, Any]:
    return {
        name: value.item() if isinstance(value, np.ndarray) and value.size == 1 else value
        for name, value in stored.attrs.items()
        if name not in _OF_HDF5 and not name.startswith(_OF_NETCDF)
    }
