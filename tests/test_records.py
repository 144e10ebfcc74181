"""Records are found, made once, checked, and never half-written."""

import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from lib import experiments, files, record_files, records


@dataclass(frozen=True)
class Config:
    scale: float = 1.0
    seeds: tuple[int, ...] = (0, 1, 2, 3)
    seeds_together: int = 2


class Fake(SimpleNamespace):
    """An experiment that counts its runs, and breaks when told to."""

    def __init__(self):
        super().__init__(__name__="lib.experiments.fake", __doc__="A fake.", VERSION=1, runs=[], break_at=None)
        self.PRESETS = {"smoke": Config(), "book": Config(scale=2.0), "paper": Config(scale=3.0)}

    def run(self, config, *, device, progress):
        if self.break_at in config.seeds:
            raise KeyboardInterrupt
        self.runs.append(config.seeds)
        progress(1.0, "done")
        seeds = np.array(config.seeds)
        return xr.Dataset(
            {
                "value": (
                    ("seed", "epoch"),
                    config.scale * seeds[:, None] * np.ones(3),
                    {"units": "1", "long_name": "value"},
                ),
                "constant": ("epoch", np.arange(3.0), {"units": "1", "long_name": "constant"}),
                "name": ("epoch", ["a", "b", "ç"]),
            },
            coords={"seed": seeds, "epoch": [1, 2, 3]},
        )


@pytest.fixture
def fake(monkeypatch, tmp_path):
    module = Fake()
    monkeypatch.setitem(experiments.EXPERIMENTS, "fake", experiments.Experiment(module))
    monkeypatch.setenv("BOOK_RECORDS", str(tmp_path / "stored"))
    return module


def one_file(folder):
    (path,) = Path(folder).glob("*.nc")
    return path


def test_asking_twice_costs_nothing_and_gives_the_same(fake):
    first = records.obtain("fake", "smoke")
    assert fake.runs == [(0, 1), (2, 3)]
    second = records.obtain("fake", "smoke")
    assert fake.runs == [(0, 1), (2, 3)]
    xr.testing.assert_identical(first, second)
    np.testing.assert_array_equal(second["value"], np.arange(4.0)[:, None] * np.ones(3))
    assert list(second["name"].values) == ["a", "b", "ç"]


def test_batches_join_along_seed_and_keep_units(fake):
    result = records.obtain("fake", "smoke")
    assert list(result["seed"].values) == [0, 1, 2, 3]
    assert result["constant"].dims == ("epoch",)
    assert result["value"].attrs == {"units": "1", "long_name": "value"}


def test_provenance_is_in_the_record(fake):
    attrs = records.obtain("fake", "smoke").attrs
    assert attrs["experiment"] == "fake"
    assert attrs["preset"] == "smoke"
    assert json.loads(attrs["seeds"]) == [0, 1, 2, 3]
    assert json.loads(attrs["config"]) == {"scale": 1.0, "seeds": [0, 1, 2, 3]}
    assert json.loads(attrs["versions"])["numpy"] == np.__version__
    assert {"device", "processor", "revision", "wall_time_s", "created", "config_hash"} <= set(attrs)


def test_an_interrupted_run_loses_no_finished_batch(fake):
    fake.break_at = 2
    with pytest.raises(KeyboardInterrupt):
        records.obtain("fake", "smoke")
    assert fake.runs == [(0, 1)]
    fake.break_at = None
    records.obtain("fake", "smoke")
    assert fake.runs == [(0, 1), (2, 3)]


def test_presets_seeds_and_versions_have_records_of_their_own(fake):
    records.obtain("fake", "smoke")
    records.obtain("fake", "book")
    records.obtain("fake", "smoke", seeds=(7,))
    assert fake.runs == [(0, 1), (2, 3)] * 2 + [(7,)]
    fake.VERSION = 2
    records.obtain("fake", "smoke", seeds=(7,))
    assert fake.runs[-2:] == [(7,), (7,)]


def test_other_order_of_running_is_the_same_request(fake):
    experiment = experiments.get("fake")
    assert records.config_hash(experiment, Config(seeds_together=1)) == records.config_hash(experiment, Config())
    assert records.config_hash(experiment, Config(scale=1.5)) != records.config_hash(experiment, Config())


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "text", "changed value"])
def test_a_damaged_record_is_named_and_made_anew(fake, damage):
    seeds = (0,)
    records.obtain("fake", "smoke", seeds=seeds)
    path = one_file(record_files.cache_folder())
    content = path.read_bytes()
    if damage == "changed value":
        record = record_files.read(path)
        record["value"][0, 0] = 99.0
        record.to_netcdf(path, engine="h5netcdf")
    else:
        path.write_bytes(
            {
                "truncated": content[: len(content) // 2],
                "flipped": content.replace(b"wall_time_s", b"wall_time_X"),
                "empty": b"",
                "text": b"not a record",
            }[damage]
        )
    with pytest.warns(records.RecordWarning, match=path.name):
        result = records.obtain("fake", "smoke", seeds=seeds)
    assert fake.runs == [seeds, seeds]
    assert float(result["value"][0, 0]) == 0.0
    assert record_files.read(path).attrs["content_sha256"] == record_files.digest(record_files.read(path))


def test_a_damaged_file_is_refused_before_hdf5_is_asked(tmp_path, monkeypatch):
    """HDF5 searched for ever in a heap in which one bit was flipped."""
    path = tmp_path / "record.nc"
    written = record_files.write(xr.Dataset({"x": ("t", np.arange(30.0))}), path)
    content = path.read_bytes()
    with xr.open_dataset(path, engine="h5netcdf") as found:
        assert found.load().identical(written), "the sum at the end disturbs no other reader"
    path.write_bytes(content[:-73])
    assert record_files.read(path).identical(written), "records of before there were sums"
    monkeypatch.setattr(record_files.netcdf, "read", lambda path: pytest.fail("HDF5 is asked"))
    for place in (100, content.index(b"GCOL") + 20, len(content) - 5):
        damaged = bytearray(content)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(record_files.RecordError, match=r"record\.nc is damaged: its bytes do not match the sum"):
            record_files.read(path)


def test_a_foreign_file_is_no_record(tmp_path):
    path = tmp_path / "foreign.nc"
    xr.Dataset({"x": ("y", [1.0])}).to_netcdf(path, engine="h5netcdf")
    with pytest.raises(record_files.RecordError, match="carries no digest"):
        record_files.read(path)


def test_a_renamed_record_does_not_pass_for_another(fake):
    records.obtain("fake", "smoke", seeds=(0,))
    path = one_file(record_files.cache_folder())
    experiment = experiments.get("fake")
    other = path.with_name(f"fake-smoke-{records.config_hash(experiment, experiment.config('smoke', (1,)))}.nc")
    path.rename(other)
    with pytest.warns(records.RecordWarning, match="another config"):
        assert int(records.obtain("fake", "smoke", seeds=(1,))["seed"][0]) == 1


def test_a_failing_write_leaves_the_old_record_and_nothing_else(fake, monkeypatch):
    result = records.obtain("fake", "smoke", seeds=(0,))
    path = one_file(record_files.cache_folder())
    before = path.read_bytes()

    def full_disk(dataset, target, encoding):
        target.write_bytes(b"half a file")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(record_files.netcdf, "write", full_disk)
    with pytest.raises(OSError, match="No space left"):
        record_files.write(result, path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_killed_while_writing_leaves_a_whole_record(tmp_path):
    """A process is killed many times while it rewrites a record; what is there is always one of the two versions."""
    path = tmp_path / "record.nc"
    program = textwrap.dedent(
        f"""
        import pathlib
        import numpy as np, xarray as xr
        from lib import record_files
        path = pathlib.Path({str(path)!r})
        k = 0
        while True:
            record_files.write(xr.Dataset({{"x": ("t", np.full(20_000, float(k % 2)))}}), path)
            print(k, flush=True)
            k += 1
        """
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=records.provenance.ROOT)
    rng = np.random.default_rng(0)
    assert process.stdout is not None
    process.stdout.readline()
    for _ in range(20):
        # Stopping at random moments shows what a crash at that moment would leave behind.
        process.stdout.readline()
        signal_delay = rng.uniform(0, 0.01)
        subprocess.run(["sleep", f"{signal_delay:.4f}"], check=True)
        os.kill(process.pid, signal.SIGSTOP)
        values = record_files.read(path)["x"].values
        assert set(values) in ({0.0}, {1.0})
        os.kill(process.pid, signal.SIGCONT)
    process.kill()
    process.wait()
    process.stdout.close()
    assert set(record_files.read(path)["x"].values) in ({0.0}, {1.0})


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_killed_at_random_moments_loses_no_record_and_takes_no_part_for_one(fake):
    """Processes that make and store records are killed for good; `BOOK_KILLS` says how many."""
    draw, fork = random.Random(0), multiprocessing.get_context("fork")
    folders = (record_files.cache_folder(), record_files.stored_folder())

    def make(first, begun):
        begun.set()
        for seed in range(first, 10_000):
            records.obtain("fake", "smoke", seeds=(seed,), store=True)

    start = time.perf_counter()
    records.obtain("fake", "smoke", seeds=(0,), store=True)
    pace = time.perf_counter() - start  # of this machine, with what else it has to do
    fake.runs.clear()

    known, parts = {}, set()
    for _ in range(int(os.environ.get("BOOK_KILLS", "10"))):
        begun = fork.Event()
        process = fork.Process(target=make, args=(max(0, len(known) // 2 - 1), begun))
        process.start()
        begun.wait()
        time.sleep(draw.uniform(0, max(0.15, 4 * pace)))
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        there = {path: record_files.read(path) for folder in folders for path in folder.glob("*.nc")}
        assert known.keys() <= there.keys(), "a finished record is lost"
        for path, found in there.items():
            (seed,) = found["seed"].values
            np.testing.assert_array_equal(found["value"], np.full((1, 3), float(seed)), err_msg=path.name)
        known = there
        parts |= {path for folder in folders for path in folder.glob(".*.part")}
    finished = {int(found["seed"][0]) for path, found in known.items() if path.parent == record_files.cache_folder()}
    assert finished == set(range(len(finished))), "each went on where the last one ended"
    assert {path.suffix for folder in folders for path in folder.iterdir()} <= {".nc", ".part"}
    missing = len(finished)
    for seed in range(missing + 1):
        assert int(records.obtain("fake", "smoke", seeds=(seed,), store=True)["seed"][0]) == seed
    assert fake.runs == [(missing,)], "what is there is not run again"
    print(f"{len(known)} records, {len(parts)} parts of others")


def test_what_killed_processes_left_is_dropped_after_a_day(tmp_path):
    old, new, download = (tmp_path / name for name in (f".a.nc.{'0' * 32}.part", f".a.nc.{'1' * 32}.part", ".b.part"))
    for path in (old, new, download):
        path.touch()
    for path in (old, download):
        os.utime(path, (1, 1))
    with files.whole(tmp_path / "c") as temporary:
        temporary.touch()
    assert {path.name for path in tmp_path.iterdir()} == {new.name, download.name, "c"}


def test_largest_takes_the_largest_preset_then_the_most_seeds(fake):
    assert records.largest("fake") is None
    records.obtain("fake", "smoke", store=True)
    records.obtain("fake", "paper", seeds=(0,), store=True)
    records.obtain("fake", "paper", seeds=(0, 1), store=True)
    largest = records.largest("fake")
    assert largest is not None
    assert largest.attrs["preset"] == "paper"
    assert list(largest["seed"].values) == [0, 1]
    assert [(r.experiment, r.preset, r.stale) for r in records.stored()] == [("fake", "paper", False)] * 2 + [
        ("fake", "smoke", False)
    ]


def test_a_stale_or_damaged_stored_record_is_passed_over(fake):
    records.obtain("fake", "smoke", store=True)
    records.obtain("fake", "paper", store=True)
    paper = next(record.path for record in records.stored() if record.preset == "paper")
    paper.write_bytes(paper.read_bytes()[:100])
    with pytest.warns(records.RecordWarning, match=paper.name):
        largest = records.largest("fake")
    assert largest is not None
    assert largest.attrs["preset"] == "smoke"
    fake.VERSION = 2
    paper.unlink()
    assert records.largest("fake") is None
    assert records.stored()[0].stale


def test_a_stored_record_is_found_without_the_cache(fake, monkeypatch, tmp_path):
    records.obtain("fake", "smoke", store=True)
    monkeypatch.setenv("BOOK_RUNS", str(tmp_path / "elsewhere"))
    records.obtain("fake", "smoke")
    assert fake.runs == [(0, 1), (2, 3)]


def test_progress_reaches_the_end(fake):
    seen = []
    records.obtain("fake", "smoke", progress=lambda fraction, message: seen.append((fraction, message)))
    fractions = [fraction for fraction, _ in seen]
    assert fractions == sorted(fractions)
    assert seen[-1] == (1.0, "seeds 2 to 3 done")


# -- records that are stored piece by piece ----------------------------------------------------------------------------


@pytest.fixture
def by_piece(fake):
    """The made-up experiment, stored piece by piece."""
    fake.STORED_BY_PIECE = True
    fake.join_pieces = lambda results: xr.concat(results, "seed", data_vars="minimal").sortby("seed")
    return fake


def test_each_piece_is_stored_as_soon_as_it_is_there(by_piece):
    by_piece.break_at = 2
    with pytest.raises(KeyboardInterrupt):
        records.obtain("fake", "paper", store=True)
    assert [record.seeds for record in records.stored()] == [(0, 1)]
    by_piece.break_at = None
    whole = records.obtain("fake", "paper", store=True)
    assert by_piece.runs == [(0, 1), (2, 3)]
    assert sorted(record.seeds for record in records.stored()) == [(0, 1), (2, 3)]
    assert list(whole["seed"].values) == [0, 1, 2, 3]


def test_largest_joins_the_pieces_that_are_stored(by_piece):
    records.obtain("fake", "smoke", store=True)
    records.obtain("fake", "paper", (0, 1), store=True)
    alone = records.largest("fake")
    assert alone is not None
    assert json.loads(alone.attrs["seeds"]) == [0, 1]
    records.obtain("fake", "paper", store=True)
    joined = records.largest("fake")
    assert joined is not None
    assert joined.attrs["preset"] == "paper"
    assert json.loads(joined.attrs["seeds"]) == [0, 1, 2, 3]
    assert joined.attrs["config_hash"] == "*"
    np.testing.assert_array_equal(joined["value"], 3.0 * np.arange(4.0)[:, None] * np.ones(3))


def test_a_damaged_piece_is_named_and_left_out(by_piece):
    records.obtain("fake", "paper", store=True)
    first = next(record.path for record in records.stored() if record.seeds == (0, 1))
    first.write_bytes(first.read_bytes()[:-200])
    with pytest.warns(records.RecordWarning, match=first.name):
        joined = records.largest("fake")
    assert joined is not None
    assert list(joined["seed"].values) == [2, 3]


def test_a_record_of_one_piece_that_was_there_is_stored(by_piece):
    config = replace(by_piece.PRESETS["smoke"], seeds=(0,))
    records.obtain("fake", "smoke", config=config)
    assert records.stored("fake") == []
    records.obtain("fake", "smoke", config=config, store=True)
    assert [record.seeds for record in records.stored()] == [(0,)]
    assert by_piece.runs == [(0,)]


def test_a_config_comes_without_other_seeds(fake):
    with pytest.raises(ValueError, match="seeds of its own"):
        records.obtain("fake", "smoke", [5], config=fake.PRESETS["smoke"])
