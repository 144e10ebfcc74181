"""Our reader and writer of NetCDF files against xarray's own."""

import numpy as np
import pytest
import xarray as xr

from lib import netcdf


@pytest.fixture
def dataset():
    return xr.Dataset(
        {
            "value": (("seed", "name"), np.array([[1.0, np.nan], [3.0, 4.0]]), {"units": "bits", "long_name": "value"}),
            "count": ("bin", np.arange(3, dtype=np.uint8)),
            "flag": (("seed", "bin"), np.ones((2, 3), dtype=bool)),
            "single": ((), np.float32(2.5)),
            "word": ("bin", ["a", "bc", ""]),
            "square": (("bin", "other"), np.eye(3)),
        },
        coords={"seed": [3, 5], "name": ["one", "größer"], "beside": ("seed", [0.1, 0.2]), "alone": 7},
        attrs={"experiment": "fake", "number": 3, "ratio": 0.5},
    )


def test_it_reads_what_xarray_reads(dataset, tmp_path):
    dataset.to_netcdf(tmp_path / "one.nc", engine="h5netcdf")
    with xr.open_dataset(tmp_path / "one.nc", engine="h5netcdf") as file:
        expected = file.load()
    found = netcdf.read(tmp_path / "one.nc")
    assert found.identical(expected)
    assert found.identical(dataset)
    assert {name: v.dtype for name, v in found.variables.items()} == {n: v.dtype for n, v in expected.variables.items()}


def test_it_writes_what_xarray_writes(dataset, tmp_path):
    encoding = {"value": {"zlib": True, "complevel": 5, "shuffle": True}}
    dataset.to_netcdf(tmp_path / "theirs.nc", engine="h5netcdf", encoding=encoding)
    netcdf.write(dataset, tmp_path / "ours.nc", encoding)
    files = []
    for name in ("theirs.nc", "ours.nc"):
        with xr.open_dataset(tmp_path / name, engine="h5netcdf") as file:
            files.append(file.load())
    assert files[0].identical(files[1])
    assert files[1].identical(dataset)
    kinds = [{name: str({**v.encoding, "source": None}) for name, v in file.variables.items()} for file in files]
    assert kinds[0] == kinds[1]


def test_a_full_disk_is_an_ordinary_error(small_disk):
    """HDF5 ended the process."""
    large = xr.Dataset({"x": ("y", np.random.default_rng(0).random(100_000))})
    with pytest.raises(OSError, match="No space left on device"):
        netcdf.write(large, small_disk / "large.nc")


def test_an_empty_dimension_and_an_empty_file(tmp_path):
    empty = xr.Dataset({"x": ("y", np.empty(0))})
    for number, each in enumerate((empty, xr.Dataset(attrs={"only": "this"}))):
        each.to_netcdf(tmp_path / f"{number}.nc", engine="h5netcdf")
        assert netcdf.read(tmp_path / f"{number}.nc").identical(each)


def test_what_is_no_such_file_is_refused(tmp_path):
    (tmp_path / "text.nc").write_text("not a record")
    with pytest.raises(OSError, match="file signature"):
        netcdf.read(tmp_path / "text.nc")
