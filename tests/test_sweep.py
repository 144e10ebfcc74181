"""Many configs at once: grids are read, records are made once, and nothing that is finished is lost."""

import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from distributed import Client, Scheduler, SpecCluster, Worker, get_worker

from lib import experiments, provenance, record_files, sweep
from lib.__main__ import main

HERE = Path(__file__).parent
SEEDS = tuple(range(6))


@pytest.fixture
def napping(monkeypatch, tmp_path):
    """An experiment that sleeps, known here and to workers, and the folder in which it says who ran what."""
    naps = tmp_path / "naps"
    naps.mkdir()
    monkeypatch.setenv("NAPS", str(naps))
    monkeypatch.setenv("BOOK_RECORDS", str(tmp_path / "stored"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("PYTHONPATH", f"{provenance.ROOT}{os.pathsep}{HERE}")
    monkeypatch.setenv("DASK_DISTRIBUTED__WORKER__PRELOAD", "['napping']")
    monkeypatch.syspath_prepend(HERE)
    import dask
    import distributed  # noqa: F401 - before its settings are changed
    import napping

    monkeypatch.setitem(experiments.EXPERIMENTS, "napping", experiments.Experiment(napping))
    with dask.config.set({"distributed.worker.preload": ["napping"]}):
        yield naps


def until(true, seconds=60):
    """Wait until something is the case."""
    deadline = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
    return found


def stored():
    """Return the records in the cache, all of them whole, by the seeds and the scale in them."""
    folder = record_files.cache_folder()
    assert not list(folder.glob(".*.part"))
    return {path.name: record_files.read(path) for path in folder.glob("napping-*.nc")}


def count():
    return len(list(record_files.cache_folder().glob("napping-*.nc")))


def begun(naps):
    """Return who began with what, the last one last: scale, seeds, process."""
    found = sorted(naps.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    return [tuple(path.name.rsplit(" ", 1)) for path in found]


@contextmanager
def command_line(naps, *arguments):
    """Run the command line in another process, which is killed at the end; yield it when it is in mid-run."""
    import napping

    # a copy of a process that has imported the library, which takes seconds, and done nothing else
    process = multiprocessing.get_context("forkserver").Process(
        target=napping.command_line, args=(dict(os.environ), naps.parent / "errors", arguments)
    )
    process.start()
    try:
        until(lambda: len(begun(naps)) > count() >= 2)
        yield process
    finally:
        process.kill()
        process.join()


def alive(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


# -- what is asked for -------------------------------------------------------------------------------------------------


def test_values_have_the_types_of_the_settings(napping):
    config = experiments.get("napping").config("smoke")
    texts = ["nap=1,0.5", "numbers=1_000", "label=a b,none", "loud=true,false", "scales=1:2,3"]
    grid = sweep.parse_grid(texts, config)
    assert grid == {
        "nap": (1.0, 0.5),
        "numbers": (1000,),
        "label": ("a b", None),
        "loud": (True, False),
        "scales": ((1, 2), (3,)),
    }
    made = sweep.configs(config, grid)
    assert len(made) == len(set(made)) == 16
    assert {type(each.nap) for each in made} == {float}
    assert all(each.seeds == config.seeds for each in made)


@pytest.mark.parametrize("name", experiments.EXPERIMENTS)
def test_every_experiment_has_settings_that_can_be_swept(name):
    with pytest.raises(ValueError, match=r"choose from \w+"):
        sweep.parse_grid(["nothing_like_it=1"], experiments.get(name).config("smoke"))


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([], "The grid is empty: write SETTING=VALUE,VALUE, or leave --grid out"),
        (["naps=1"], "Unknown setting 'naps': did you mean 'nap'"),
        (["zebra=1"], "Unknown setting 'zebra': choose from nap, numbers, scale, label, loud, scales."),
        (["nap"], "'nap' gives 'nap' no value: write nap=VALUE,VALUE."),
        (["nap="], "'nap=' gives 'nap' no value"),
        (["nap=1,"], "'nap=1,' cannot be read: values of 'nap' are numbers."),
        (["nap=nan"], "values of 'nap' are numbers."),
        (["numbers=1.5"], "values of 'numbers' are whole numbers."),
        (["loud=yes"], "values of 'loud' are true or false."),
        (["label=a,,b"], "values of 'label' are words, or none."),
        (["scales=1:x"], "values of 'scales' are whole numbers joined by colons."),
        (["nap=1,1.0"], "'nap=1,1.0' has a value twice: leave one out."),
        (["nap=1", "nap=2"], "'nap' is given twice: write all its values once"),
        (["pairs=1:2"], "'pairs' is no number, word or list of these: choose from nap, "),
        (["seeds=1,2"], "'seeds' is no setting of a grid: give seeds by --seeds."),
    ],
)
def test_a_wrong_grid_gets_one_sentence(napping, texts, message, capsys):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole message is compared
        sweep.parse_grid(texts, experiments.get("napping").config("smoke"))
    assert message in str(caught.value)
    assert main(["sweep", "napping", "--preset", "smoke", "--grid", *texts]) == 1
    assert capsys.readouterr().err.strip().splitlines()[-1].startswith(f"Error: {caught.value}")


def test_a_grid_reaches_into_networks():
    """Rates, widths and depths of the networks of a config; networks that are then the same are run once."""
    config = experiments.get("residual_tasks").config("smoke")
    grid = sweep.parse_grid(["networks.rate=0.1,0.02", "batch=16"], config)
    assert grid == {"networks.rate": (0.1, 0.02), "batch": (16,)}
    first, second = sweep.configs(config, grid)
    assert {network.rate for network in second.networks} == {0.02}
    assert [network.task for network in first.networks] == [network.task for network in config.networks]
    assert (first.batch, second.batch) == (16, 16)
    labels = [task.label for task in sweep._tasks(experiments.get("residual_tasks"), "smoke", second, grid)]
    assert labels[0].startswith("networks.rate=0.02 batch=16")
    same = sweep.parse_grid(["networks.task=CDigits", "networks.epochs=1", "networks.learned=64"], config)
    (alike,) = sweep.configs(config, same)
    assert [(network.task, network.seeds) for network in alike.networks] == [("CDigits", None), ("CDigits", (1,))]
    with pytest.raises(ValueError, match=r"Unknown setting 'networks\.rat': did you mean 'networks\.rate'"):
        sweep.parse_grid(["networks.rat=1"], config)
    with pytest.raises(ValueError, match="'networks' is no number, word or list of these"):
        sweep.parse_grid(["networks=1"], config)
    for name in ("narrow_networks", "small_cnn", "residual_quench"):
        assert sweep.parse_grid(["networks.rate=0.2"], experiments.get(name).config("smoke"))


def test_wrong_commands_get_one_sentence(napping, capsys):
    for arguments, message in (
        (["napping", "--grid", "nap=1", "--store"], "leave out --store, or --grid"),
        (["napping", "--workers", "0"], "take at least 1"),
        (["nappings"], "did you mean 'napping'"),
        (["napping", "--device", "abacus"], "'abacus' is no device"),
    ):
        assert main(["sweep", "--preset", "smoke", *arguments]) == 1
        assert message in capsys.readouterr().err.strip().splitlines()[-1]


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nowhere", "tcp://127.0.0.1", "carrier-pigeon://loft:1"])
def test_an_unreachable_scheduler_ends_the_command(napping, address, monkeypatch, capsys):
    monkeypatch.setattr(sweep, "PATIENCE", 0.3)
    assert main(["sweep", "napping", "--preset", "smoke", "--scheduler", address]) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert [line for line in error if line.startswith("Error: ")] == [error[-1]]
    assert f"No scheduler answers at {address!r}: start one by `dask scheduler`" in error[-1]
    assert not [each for each in gc.get_objects() if type(each) is Client and each.status != "closed"], "half open"


def test_each_gpu_is_given_to_one_worker(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert sweep._gpus(torch.device("cpu")) == []
    assert sweep._gpus(torch.device("cuda")) == ["0", "1", "2"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,GPU-8f2e,6")
    assert sweep._gpus(torch.device("cuda")) == ["4", "GPU-8f2e", "6"]
    assert sweep._gpus(torch.device("cuda:1")) == ["GPU-8f2e"]


# -- what may happen ---------------------------------------------------------------------------------------------------


def test_a_killed_worker_loses_no_finished_record(napping, capfd):
    """A worker is killed in mid-run; another takes its batch, and what was finished is not run again."""
    killed = []

    def kill():
        until(lambda: len(begun(napping)) > count() >= 2)
        killed.append(begun(napping)[-1])
        os.kill(int(killed[0][1]), signal.SIGKILL)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    arguments = ["sweep", "napping", "--preset", "smoke", "--workers", "2"]
    assert main([*arguments, "--grid", "scale=1,2", "nap=0.4"]) == 0
    killer.join()
    assert "6 records made, 0 were there" in capfd.readouterr().out
    tasks = [task for task, _ in begun(napping)]
    assert tasks.count(killed[0][0]) == 2
    assert len(tasks) == 7
    assert {(float(record.attrs["wall_time_s"]) >= 0.4, record.sizes["seed"]) for record in stored().values()} == {
        (True, 1),
        (True, 3),  # the two configs, joined
    }
    assert {record.attrs["device"] for record in stored().values()} == {"CPU (1 thread)"}
    assert not any(alive(worker) for _, worker in begun(napping))
    assert main([*arguments, "--grid", "scale=2,1", "nap=0.4"]) == 0
    assert "0 records made, 6 were there" in capfd.readouterr().out
    assert len(begun(napping)) == 7


def test_ctrl_c_loses_no_finished_record(napping):
    """It reaches the workers, too, as in a terminal."""
    arguments = ["sweep", "napping", "--preset", "smoke", "--seeds", "0-19", "--grid", "nap=0.3", "--workers", "1"]
    with command_line(napping, *arguments) as process:
        for each in (int(begun(napping)[-1][1]), process.pid):
            os.kill(each, signal.SIGINT)
        process.join(60)
    errors = (napping.parent / "errors").read_text()
    assert process.exitcode == 130, errors
    assert errors.strip().splitlines()[-1].startswith("Stopped. Finished seeds are stored: the same command goes on")
    # where it was pressed within a callback Python says so once, and goes on to the next record
    assert errors.count("Traceback") == errors.count("Exception ignored in") <= 1
    assert not any(alive(worker) for _, worker in begun(napping))
    assert 2 <= len(stored()) < 20


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_ctrl_c_is_heeded_where_python_drops_it(napping, monkeypatch, capsys):
    """Pressed within a destructor in the third seed; the run ends with that seed."""

    class Pressed:
        def __del__(self):
            os.kill(os.getpid(), signal.SIGINT)

    def nap(seconds):
        if len(begun(napping)) == 3:
            Pressed()

    import napping as experiment

    monkeypatch.setattr(experiment, "time", SimpleNamespace(sleep=nap))
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert main(["run", "napping", "--preset", "smoke", "--seeds", "0-5"]) == 130
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert "Stopped. Finished seeds are stored" in capsys.readouterr().err
    assert len(stored()) == len(begun(napping)) == 3


def test_a_killed_scheduler_loses_no_finished_record(napping):
    """Without an address it lives in the process that asked; the same command goes on with what is missing."""
    arguments = ["sweep", "napping", "--preset", "smoke", "--seeds", "0-5", "--grid", "nap=0.3", "--workers", "1"]
    with command_line(napping, *arguments) as process:
        process.kill()
        process.join()
    until(lambda: not any(alive(worker) for _, worker in begun(napping)))
    finished = len(stored())
    assert 2 <= finished < 6
    outcome = sweep.run("napping", "smoke", SEEDS, {"nap": (0.3,)}, workers=1)
    assert outcome == sweep.Outcome(there=finished, made=6 - finished, failed={})
    assert len(begun(napping)) == 7
    assert len(stored()) == 7


@pytest.fixture
def cluster(small_disk, napping, monkeypatch):
    """A scheduler and a worker as one starts them by hand, and the scheduler's address."""
    monkeypatch.setenv("BOOK_RUNS", str(small_disk))
    options = ["--host", "127.0.0.1", "--no-dashboard"]
    dask = (
        [sys.executable, "-m", "distributed.cli.dask_scheduler"],
        [sys.executable, "-m", "distributed.cli.dask_worker"],
    )
    scheduler = subprocess.Popen([*dask[0], *options, "--port", "0"], stderr=subprocess.PIPE, text=True)
    assert scheduler.stderr is not None
    address = next(line.split()[-1] for line in scheduler.stderr if "Scheduler at:" in line)
    listener = threading.Thread(target=scheduler.stderr.read)
    listener.start()
    worker = subprocess.Popen([*dask[1], address, *options, "--nthreads", "1", "--no-nanny"], stderr=subprocess.DEVNULL)
    yield scheduler, address
    for process in (worker, scheduler):
        process.kill()
        process.wait()
    listener.join()
    scheduler.stderr.close()


def test_a_full_disk_and_a_lost_scheduler_lose_no_finished_record(cluster, small_disk, napping):
    scheduler, address = cluster
    large = {"nap": (0.2,), "numbers": (13_000,)}  # a tenth of a megabyte
    with pytest.raises(OSError, match=r"There is no space for more records in .*, with 4 of 6 records made: make room"):
        sweep.run("napping", "smoke", SEEDS, large, scheduler=address)
    assert len(stored()) == 4
    subprocess.run(["mount", "-o", "remount,size=2m", str(small_disk)], check=True)
    outcome = sweep.run("napping", "smoke", SEEDS, large, scheduler=address)
    assert outcome.there >= 4  # one more may have been under way
    assert (outcome.there + outcome.made, outcome.failed) == (6, {})
    assert len(stored()) == 7
    # what a retry cannot mend fails at once, what it might after a try or more, and the rest is done
    outcome = sweep.run(
        "napping", "smoke", (0,), {"nap": (0.0,), "scale": (-1.0, 0.0, 5.0)}, scheduler=address, retries=1
    )
    assert (outcome.there, outcome.made) == (0, 1)
    assert outcome.failed == {
        "nap=0.0 scale=-1.0": "A scale of -1 cannot be: take a positive one.",
        "nap=0.0 scale=0.0": "RuntimeError: out of luck",
    }
    before = count()
    threading.Thread(target=lambda: (until(lambda: count() >= before + 2), scheduler.kill())).start()
    with pytest.raises(ConnectionError, match=r"The scheduler is lost with [1-5] of 6 records made: the same command"):
        sweep.run("napping", "smoke", SEEDS, {"scale": (7.0,)}, scheduler=address)
    assert len(stored()) >= before + 2


def test_what_needs_a_gpu_goes_to_workers_that_offer_one(napping, monkeypatch):
    """One of two workers has it; it is a resource by name, which is all that a scheduler knows of it."""
    monkeypatch.setattr(sweep, "_work", where_it_works)
    experiment = experiments.get("napping")
    tasks = list(sweep._tasks(experiment, "smoke", experiment.config("smoke", SEEDS), {}))
    common = {"host": "127.0.0.1", "dashboard": False}
    workers = {
        name: {"cls": Worker, "options": {**common, "nthreads": 1, "resources": resources}}
        for name, resources in (("plain", {}), ("able", {"GPU": 1}))
    }
    scheduler = {"cls": Scheduler, "options": {**common, "port": 0, "dashboard_address": "127.0.0.1:0"}}
    said = []
    with SpecCluster(workers=workers, scheduler=scheduler) as cluster, Client(cluster, set_as_default=False) as client:
        failed = sweep._work_off(client, tasks, "cuda", 0, len(tasks), lambda share, text: said.append(text))
    assert [why.split(" at ")[0] for why in failed.values()] == ["able"] * len(tasks)
    assert not any("waiting" in text for text in said)


def where_it_works(task, folder, device):
    return sweep._Said(f"{get_worker().name} at {task.label}")


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_processes_that_make_the_same_record_leave_a_whole_one(napping):
    experiment, fork = experiments.get("napping"), multiprocessing.get_context("fork")
    config = experiment.config("smoke", (0,))
    (task,) = sweep._tasks(experiment, "smoke", config, {})
    start, folder = fork.Barrier(4), str(record_files.cache_folder())

    def write():
        start.wait()
        os._exit(sweep._work(task, folder, "cpu").problem != "")

    processes = [fork.Process(target=write) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 4
    assert len(begun(napping)) > 1  # more than one made it
    (record,) = stored().values()
    np.testing.assert_array_equal(record["value"], np.random.default_rng((0,)).random((1, 3)))
