"""Damaged files of every kind that is read: the right content or one sentence, nothing executed, nothing lost.

`BOOK_FUZZ` is the number of damages of each kind: `BOOK_FUZZ=2000 python -m pytest tests/data/test_fuzzed_files.py`.
"""

import gzip
import io
import json
import os
import pickle
import random
import tarfile
import warnings
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
import xarray as xr
from safetensors.torch import save_file

from lib import experiments, record_files, records
from lib.bench import BenchResult, store, stored
from lib.checkpoints import load_weights
from lib.claims import read_claims
from lib.data import _formats, _observatory, cache_folder, images, neural
from lib.data._formats import CIFAR_MEMBERS, IDX_FILES, read_cifar
from lib.data.recording import Recording
from lib.data.recording_files import from_npz, from_nwb
from lib.models import resnet
from lib.report import read_inputs, report_files

from .test_neural import EXPERIMENTS, TABLE, write_events, write_nwb
from .test_recording_files import add_epochs, add_series, add_units, nwb, put_nwb, put_session  # noqa: F401 - fixtures

DAMAGES = int(os.environ.get("BOOK_FUZZ", "24"))
WEIGHTS = {"fc.weight": torch.arange(600.0).reshape(20, 30), "fc.bias": torch.zeros(20)}
VALUES = ("Session 501", "session 501", "No session is in area")  # named where what is said is of these, not of a file
MEGABYTES = 150  # of memory that reading a small file may take

Content = dict[str, np.ndarray]


@dataclass(frozen=True)
class Kind:
    """A kind of file: how a whole one is made, how it is read, and what is raised of one that is not whole."""

    make: Callable[[Callable], Path]  # given a function that returns a fixture by its name
    read: Callable[[Path], Content]
    refusals: tuple[type[Exception], ...] = (ValueError,)
    checked: bool = True  # whether the format has a sum of its content, so that no other content passes for it


def of_images(name: str) -> Content:
    found = images.load(name)
    return {key: getattr(found, key).numpy() for key in ("x_train", "y_train", "x_test", "y_test")}


def of_recording(recording: Recording) -> Content:
    names = [f"{epoch.name} {epoch.start} {epoch.end}" for epoch in recording.epochs]
    return {"events": recording.events, "epochs": np.array(names), "bin_width": np.array(recording.bin_width)}


def named_set(fixture: Callable) -> Path:
    folder = fixture("tmp_path") / "dätä of mine"
    fixture("monkeypatch").setenv("BOOK_DATA", str(folder))
    return fixture("put_npz")(folder)


def cached_set(fixture: Callable) -> Path:
    return fixture("put_npz")(cache_folder())


def debian_set(fixture: Callable) -> Path:
    folder = fixture("tmp_path") / "fashion-mnist"
    fixture("put_idx")(folder)
    fixture("monkeypatch").setattr(images, "DEBIAN_FASHION", folder)
    return folder / IDX_FILES["x_train"]


def archive(fixture: Callable) -> Path:
    path = fixture("tmp_path") / "cifar-10-binary.tar.gz"
    fixture("put_cifar")(path, "cifar10", fixture("make_arrays")(shape=(32, 32, 3)))
    return path


def session_of_npz(fixture: Callable) -> Path:
    return fixture("put_session")()


def spikes(fixture: Callable) -> Path:
    return fixture("put_nwb")(lambda content: (add_units(content), add_epochs(content)))


def series(fixture: Callable) -> Path:
    def fill(content):
        fixture("add_series")(content)
        content.add_epoch(2.0, 4.0, ["grey"])

    return fixture("put_nwb")(fill)


def observatory(fixture: Callable, name: str) -> Path:
    pytest.importorskip("allensdk", reason="it needs Python 3.11")
    folder = fixture("tmp_path") / "observatory"
    write_nwb(folder / "ophys_experiment_data" / "501.nwb")
    write_events(folder / "ophys_experiment_events" / "501_events.npz")
    (folder / "ophys_experiments.json").write_text(json.dumps(EXPERIMENTS))
    (folder / "cell_specimens.json").write_text(json.dumps(TABLE[:200]))
    _observatory.observatory_in(folder)
    return folder / name


def of_tables(path: Path) -> Content:
    found = neural.sessions(path.parent, more_than=0)
    return {"sessions": np.array([str(asdict(each)) for each in found])}


def record(fixture: Callable) -> Path:
    path = fixture("tmp_path") / "record.nc"
    values = {"value": (("seed", "bin"), np.random.default_rng(0).random((3, 50))), "word": ("bin", ["é"] * 50)}
    record_files.write(xr.Dataset(values, coords={"seed": [0, 1, 2]}, attrs={"experiment": "fake", "version": 1}), path)
    return path


def of_record(path: Path) -> Content:
    return {str(name): each.values for name, each in record_files.read(path).variables.items()}


def weights(fixture: Callable, name: str) -> Path:
    path = fixture("tmp_path") / name
    if path.suffix == ".safetensors":
        save_file(WEIGHTS, path)
    else:
        torch.save({"epoch": 3, "model": WEIGHTS}, path, _use_new_zipfile_serialization=path.suffix == ".pt")
    return path


def published_weights(fixture: Callable) -> Path:
    path = fixture("tmp_path") / "resnet_cifar10" / "resnet20.safetensors"
    path.parent.mkdir()
    model = resnet.untrained(20, seed=0)
    save_file(model.state_dict(), path)
    fixture("monkeypatch").setitem(resnet.SUMS, 20, resnet.checksum(model))
    fixture("monkeypatch").setenv("BOOK_DATA", str(path.parent))
    return path


def of_published(path: Path) -> Content:
    state = resnet.published(20).state_dict()
    return {name: value.numpy() for name, value in state.items() if value.is_floating_point()}


def inputs(fixture: Callable) -> Path:
    path = fixture("tmp_path") / "inputs.npy"
    np.save(path, np.random.default_rng(0).normal(size=(20, 30)))
    return path


def benchmark(fixture: Callable) -> Path:
    folder = fixture("tmp_path") / "benchmarks"
    return store(BenchResult("nap", 0.5, 1.5, 3.0, (2.5, 3.5), "a nap; reference: a long one", "2 cores"), folder)


def of_weights(path: Path) -> Content:
    return {name: tensor.view(torch.uint8).numpy() for name, tensor in load_weights(path).items()}


KINDS = {
    "image set": Kind(named_set, lambda path: of_images("mnist")),
    "image set in the cache": Kind(cached_set, lambda path: of_images("mnist"), (FileNotFoundError,)),
    "image set of Debian": Kind(debian_set, lambda path: of_images("fashion-mnist")),
    "image set, archive": Kind(archive, lambda path: read_cifar(path, "cifar10")),
    "recording": Kind(session_of_npz, lambda path: of_recording(from_npz(path)), (ValueError, FileNotFoundError)),
    "NWB, spikes": Kind(
        spikes, lambda path: of_recording(from_nwb(path, bin_width=0.5)), (ValueError, FileNotFoundError), checked=False
    ),
    "NWB, series": Kind(
        series, lambda path: of_recording(from_nwb(path)), (ValueError, FileNotFoundError), checked=False
    ),
    "observatory, data": Kind(
        lambda fixture: observatory(fixture, "ophys_experiment_data/501.nwb"),
        lambda path: of_recording(neural.load(501, path.parent.parent)),
        (ValueError, FileNotFoundError),
        checked=False,
    ),
    "observatory, events": Kind(
        lambda fixture: observatory(fixture, "ophys_experiment_events/501_events.npz"),
        lambda path: of_recording(neural.load(501, path.parent.parent)),
        (ValueError, FileNotFoundError),
    ),
    "observatory, table": Kind(
        lambda fixture: observatory(fixture, "ophys_experiments.json"),
        of_tables,
        (ValueError, FileNotFoundError),
        checked=False,
    ),
    "observatory, cells": Kind(
        lambda fixture: observatory(fixture, "cell_specimens.json"),
        of_tables,
        (ValueError, FileNotFoundError),
        checked=False,
    ),
    "record": Kind(record, of_record, (record_files.RecordError,)),
    "weights": Kind(
        lambda fixture: weights(fixture, "w.pt"), of_weights, (ValueError, FileNotFoundError), checked=False
    ),
    "weights of old": Kind(
        lambda fixture: weights(fixture, "w.ckpt"), of_weights, (ValueError, FileNotFoundError), checked=False
    ),
    "weights, safetensors": Kind(
        lambda fixture: weights(fixture, "w.safetensors"), of_weights, (ValueError, FileNotFoundError), checked=False
    ),
    "weights, published": Kind(published_weights, of_published, (OSError,)),
    "inputs": Kind(
        inputs,
        lambda path: {"inputs": read_inputs(path).numpy()},
        (ValueError, FileNotFoundError),
        checked=False,
    ),
    "benchmark": Kind(
        benchmark,
        lambda path: {"rows": np.array([stored(path.parent).to_json()])},
        (ValueError, OSError),
        checked=False,
    ),
}
every_kind = pytest.mark.parametrize("name", KINDS)


@pytest.fixture
def made(request, name):
    """Give a kind and a whole file of it."""
    return KINDS[name], KINDS[name].make(request.getfixturevalue)


def attempt(kind: Kind, path: Path) -> Content | None:
    """Read a file; none is returned where it is refused in one sentence that names it, anything else is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of files in the cache, which are fetched again where there is a network
        try:
            return kind.read(path)
        except kind.refusals as error:
            said = str(error)
    assert any(name in said for name in (path.name, path.parent.name, *VALUES)), said
    assert len(said.splitlines()) == 1, said
    assert len(said) < 1000, said
    return None


def same(found: Content, expected: Content) -> bool:
    return found.keys() == expected.keys() and all(
        np.array_equal(found[key], expected[key], equal_nan=expected[key].dtype.kind == "f") for key in expected
    )


def below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def damages(whole: bytes, number: int, name: str) -> Iterator[bytes]:
    """Yield copies with one bit flipped and copies that end too early, by turns."""
    for each in range(number):
        draw, damaged = random.Random(f"{name} {each}"), bytearray(whole)
        place = draw.randrange(len(whole))
        if each % 2:
            del damaged[place:]
        else:
            damaged[place] ^= 1 << draw.randrange(8)
        yield bytes(damaged)


@every_kind
def test_damage_anywhere_is_one_sentence_or_the_right_content(made, name):
    kind, path = made
    expected, whole = attempt(kind, path), path.read_bytes()
    assert expected is not None
    there, refused = below(path.parent), 0
    for number, damaged in enumerate(damages(whole, DAMAGES, name)):
        path.write_bytes(damaged)
        found = attempt(kind, path)
        refused += found is None
        if found is not None and (kind.checked or number % 2):
            assert same(found, expected), f"{number}: other content passes for it"
        assert path.read_bytes() == damaged, f"{number}: the file was changed"
        assert below(path.parent) == there, f"{number}: files were lost or left behind"
    assert refused >= DAMAGES // 2, "a file that ends too early is not whole"
    path.write_bytes(whole)
    assert same(attempt(kind, path), expected)


@every_kind
@pytest.mark.parametrize("instead", ["nothing", "zeros", "text", "pickle", "folder", "broken link", "loop"])
def test_what_is_no_such_file_gets_one_sentence(made, name, instead, tmp_path):
    kind, path = made
    mark = tmp_path / "executed"
    path.unlink()
    if instead == "folder":
        path.mkdir()
    elif instead in ("broken link", "loop"):
        path.symlink_to(path.name if instead == "loop" else "nowhere")
    else:
        content = {"nothing": b"", "zeros": bytes(5000), "text": b"a text, \xff\n", "pickle": pickle.dumps(Trap(mark))}
        path.write_bytes(content[instead])
    assert attempt(kind, path) is None
    assert os.path.lexists(path), "what was there stays"
    assert not mark.exists()


@every_kind
def test_a_link_to_a_whole_file_in_an_odd_place_is_read(made, name, tmp_path):
    kind, path = made
    expected = attempt(kind, path)
    target = tmp_path / "ein Ordner, größer und 本" / f"x y\t{path.name}"
    target.parent.mkdir()
    path.rename(target)
    path.symlink_to(target.parent / ".." / target.parent.name / target.name)
    assert same(attempt(kind, path), expected)
    assert path.is_symlink()


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("name", ["image set", "image set in the cache", "recording", "observatory, events"])
def test_objects_in_arrays_are_not_unpickled(made, name, tmp_path):
    kind, path = made
    mark = tmp_path / "executed"
    with np.load(path) as found:
        arrays = dict(found)
    for key in arrays.keys() - {"cell0_calcium"}:  # which nobody asks for
        np.savez(path, **(arrays | {key: np.array([Trap(mark)] * 2, object)}))
        assert attempt(kind, path) is None, key
        assert not mark.exists()
    with pytest.raises(ValueError, match="allow_pickle"), np.load(path) as found:
        _ = found[key]


@pytest.mark.parametrize("dtype", ["c16", "U3", "S2", "M8[s]", "V4", "?", "f2", "i8", ">u2", [("a", "u1")]], ids=str)
@pytest.mark.parametrize("name", ["image set", "recording", "observatory, events"])
def test_other_types_are_read_as_the_same_numbers_or_refused(made, name, dtype):
    kind, path = made
    expected = attempt(kind, path)
    with np.load(path) as found:
        arrays = dict(found)
    key = {"image set": "x_train", "recording": "raster", "observatory, events": "ev"}[name]
    values = np.zeros(arrays[key].shape, dtype) if str(dtype)[0] in "[VM" else (arrays[key] > 0).astype(dtype)
    np.savez(path, **(arrays | {key: values}))
    found = attempt(kind, path)
    if found is not None:
        assert name != "image set", "pixels are bytes"
        assert np.array_equal(found["events"], values)
        assert found["epochs"].tolist() == expected["epochs"].tolist()


@pytest.mark.parametrize("dtype", ["complex64", "bool", "int8", "int64"])
@pytest.mark.parametrize("name", ["weights", "weights, safetensors"])
def test_weights_of_other_types_are_read_and_not_placed(made, name, dtype, tmp_path):
    kind, path = made
    tensor = torch.eye(5).to(getattr(torch, dtype))
    save_file({"w": tensor}, path) if path.suffix == ".safetensors" else torch.save({"w": tensor}, path)
    assert torch.equal(load_weights(path)["w"], tensor)
    placed = Kind(kind.make, lambda path: {"report": np.array(str(report_files([path], tmp_path / "r.html")))})
    assert attempt(placed, path) is None
    with pytest.raises(ValueError, match=rf"'w' is of torch\.{dtype}: convert"):
        placed.read(path)
    assert not (tmp_path / "r.html").exists()


@pytest.mark.parametrize("dtype", ["c16", "S2", "?", "f2", "i1", ">u2", [("a", "u1")]], ids=str)
@pytest.mark.parametrize("name", ["NWB, spikes", "NWB, series", "record"])
def test_other_types_in_hdf5_are_read_as_the_same_numbers_or_refused(made, name, dtype):
    kind, path = made
    place = {"NWB, spikes": "units/spike_times", "NWB, series": "processing/ophys/Fevents/events/data"}.get(
        name, "value"
    )
    with h5py.File(path, "r+") as file:
        old = file[place]
        values, attributes, (parent, key) = (
            (old[()] > 0).astype(dtype),
            dict(old.attrs),
            (old.parent, place.split("/")[-1]),
        )
        del parent[key]
        new = parent.create_dataset(key, data=values)
        new.attrs.update({each: value for each, value in attributes.items() if not each.startswith("REFERENCE")})
        if name == "NWB, spikes":
            file["units/spike_times_index"].attrs["target"] = new.ref
    if name == "record":  # without its seal, as older records are, so that the content is looked at
        path.write_bytes(record_files._SEAL.sub(b"", path.read_bytes()))
    found = attempt(kind, path)
    assert found is None or name != "record", "its digest is of other numbers"
    if name == "NWB, series" and found is not None:
        assert np.array_equal(found["events"], values.T)


CLAIM = """[texts.Q]
title = "A text"
setting = "a network"

[claims.Q1]
where = "fig. 1"
statement = "it learns"
test = "the error falls"
control = "no steps"
open = ""
core = true
"""


def test_a_damaged_list_of_claims_is_read_or_gets_one_sentence(tmp_path):
    path = tmp_path / "claims.toml"
    path.write_text(CLAIM)
    assert [*read_claims(path)[1]] == ["Q1"]
    said = []
    for damaged in damages(CLAIM.encode(), 8 * DAMAGES, "claims"):
        path.write_bytes(damaged)
        try:
            read_claims(path)
        except ValueError as error:
            said.append(str(error))
    assert len(said) >= 4 * DAMAGES
    assert all(len(each.splitlines()) == 1 for each in said)
    assert all(path.name in each or "of text Q" in each or "of claim Q" in each for each in said)


# -- what announces more than it holds ---------------------------------------------------------------------------------


def peak() -> float:
    """Most memory that this process has taken since it was asked last, in megabytes."""
    status = Path("/proc/self/status").read_text()
    Path("/proc/self/clear_refs").write_text("5")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def npy(shape, dtype="|u1", content=b"\0" * 64) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": dtype, "fortran_order": False, "shape": shape})
    return buffer.getvalue() + content


def put_members(path: Path, **members: bytes) -> None:
    """Replace arrays of an .npz file by what is no array."""
    with zipfile.ZipFile(path) as archive:
        kept = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in (kept | {f"{key}.npy": raw for key, raw in members.items()}).items():
            archive.writestr(name, raw)


def huge_array(path: Path) -> None:
    path.write_bytes(npy((50_000, 50_000_000)))


def huge_header(path: Path) -> None:
    key = {"mnist.npz": "x_train", "mine.npz": "raster", "501_events.npz": "ev"}[path.name]
    put_members(path, **{key: npy((50_000, 50_000_000))})


def bomb(path: Path) -> None:
    huge = npy((250_000, 28, 28), content=bytes(250_000 * 28 * 28))
    put_members(path, x_train=huge)


def huge_sizes(path: Path) -> None:
    path.write_bytes(gzip.compress(b"\0\0\x08\x03" + b"\x7f\xff\xff\xff" * 3 + bytes(100)))


def huge_member(path: Path) -> None:
    info = tarfile.TarInfo(CIFAR_MEMBERS["cifar10"][0][0])
    info.size = 8_000_000_000
    path.write_bytes(gzip.compress(info.tobuf() + bytes(10_000)))


def huge_dataset(path: Path) -> None:
    """Announce, where numbers are that are read, so many that nobody has written."""
    there: list[h5py.Dataset] = []
    with h5py.File(path, "r+") as file:
        file.visititems(lambda key, each: there.append(each) if isinstance(each, h5py.Dataset) else None)
        names = ("value", "spike_times", "data", "cell_specimen_ids")
        chosen = next(each for name in names for each in there if each.name.endswith(f"/{name}") and each.size > 1)
        key, parent, attributes = chosen.name.rpartition("/")[2], chosen.parent, dict(chosen.attrs)
        shape = (400_000_000,) * chosen.ndim
        del parent[key]
        new = parent.create_dataset(key, shape, "f8", chunks=(100,) * len(shape))
        new.attrs.update({name: value for name, value in attributes.items() if not name.startswith("REFERENCE")})


def huge_tensor(path: Path) -> None:
    if path.suffix == ".safetensors":
        header = json.dumps({"w": {"dtype": "F32", "shape": [10**6, 10**7], "data_offsets": [0, 4]}}).encode()
        path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    else:
        torch.save({"w": torch.zeros(1).expand(10**6, 10**7)}, path)


HUGE = [
    *((name, huge_header) for name in ("image set", "image set in the cache", "recording", "observatory, events")),
    ("inputs", huge_array),
    *((name, bomb) for name in ("image set", "image set in the cache")),
    ("image set of Debian", huge_sizes),
    ("image set, archive", huge_member),
    *((name, huge_dataset) for name in ("NWB, spikes", "NWB, series", "observatory, data", "record")),
    *((name, huge_tensor) for name in ("weights", "weights, safetensors", "weights, published")),
]


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the peak of memory is read from Linux's /proc")
@pytest.mark.parametrize(("name", "swell"), HUGE, ids=[f"{name}, {swell.__name__}" for name, swell in HUGE])
def test_what_announces_too_much_is_refused_before_room_is_made_for_it(made, name, swell):
    kind, path = made
    assert attempt(kind, path) is not None
    swell(path)
    peak()
    before = peak()
    assert attempt(kind, path) is None
    assert peak() - before < MEGABYTES


@pytest.mark.parametrize("name", ["image set of Debian", "image set, archive"])
def test_no_more_is_unpacked_than_any_set_has(made, name, monkeypatch):
    kind, path = made
    monkeypatch.setattr(_formats, "LARGEST", 1000)
    assert attempt(kind, path) is None


@pytest.mark.parametrize("name", ["weights"])
def test_tensors_without_values_and_endless_dictionaries_are_refused(made, name):
    kind, path = made
    endless: dict = {}
    endless["model"] = endless
    sparse = torch.sparse_coo_tensor(torch.tensor([[0], [0]]), torch.ones(1), (10**9, 10**9), check_invariants=True)
    for content in (endless, {"w": torch.empty(3, device="meta")}, {"w": sparse}):
        torch.save(content, path)
        assert attempt(kind, path) is None


@pytest.mark.parametrize("name", ["observatory, table"])
@pytest.mark.parametrize("content", ['{"a": 1}', "[1]", "[[]]", '[{"id": 1}]', "7", "[" * 100_000, '[{"id": NaN}]'])
def test_a_table_of_another_structure_gets_one_sentence(made, name, content):
    kind, path = made
    path.write_text(content)
    assert attempt(kind, path) is None


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"manifest": []}', '{"manifest": [{"type": "dir"}]}', "\udcff"])
def test_a_manifest_of_another_structure_is_made_again(request, content):
    path = observatory(request.getfixturevalue, "manifest.json")
    whole = json.loads(path.read_text())
    path.write_bytes(content.encode(errors="surrogateescape"))
    assert len(neural.sessions(path.parent, more_than=0)) > 0
    assert json.loads(path.read_text()) == whole


# -- names -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["..", "../mnist", "mnist/../mnist", "/etc/passwd", "a b", "", "mnist\0", "mn\nist"])
def test_a_name_that_is_none_is_no_path(word, tmp_path, monkeypatch):
    monkeypatch.setenv("BOOK_RECORDS", str(tmp_path / "stored"))
    before = below(tmp_path)
    config = experiments.get("perceptron").config("smoke")
    for ask in (
        lambda: images.load(word),
        lambda: records.obtain(word, "smoke"),
        lambda: records.obtain("perceptron", word or "..", config=config),
    ):
        with pytest.raises(ValueError, match=r"(?i)no image set|unknown (experiment|preset)") as caught:
            ask()
        assert len(str(caught.value).splitlines()) == 1
    assert below(tmp_path) == before
