"""The command line."""

import json
import pwd
import signal
import subprocess
import sys
import time

import pytest

from lib import experiments, provenance, records
from lib.__main__ import main, parse_seeds


@pytest.fixture(autouse=True)
def no_stored_records(tmp_path, monkeypatch):
    monkeypatch.setenv("BOOK_RECORDS", str(tmp_path / "stored"))


def test_list_names_experiments_and_presets(capsys):
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    assert "perceptron\n" in out
    assert "paper (20 seeds)" in out


def test_run_makes_a_record_and_says_what_it_is(capsys):
    assert main(["run", "perceptron_plane", "--preset", "smoke", "--seeds", "0-2", "--store"]) == 0
    assert "perceptron_plane, preset smoke, 3 seeds" in capsys.readouterr().out
    (record,) = records.stored()
    assert record.seeds == (0, 1, 2)
    assert main(["records"]) == 0
    assert record.path.name in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [["run", "perceptron_plane", "--preset", "smoke"], ["build", "--preset", "smoke"]]
)
def test_without_a_home_folder_one_sentence_says_what_to_set(arguments, monkeypatch, tmp_path, capsys):
    def nobody(number):
        raise KeyError(f"getpwuid(): uid not found: {number}")

    for name in ("HOME", "BOOK_CACHE", "BOOK_RUNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    assert main([*arguments, *(["--output", str(tmp_path)] if "build" in arguments else [])]) == 1
    error = capsys.readouterr().err.strip().splitlines()
    assert [line for line in error if "no home folder" in line] == [error[-1]]
    assert error[-1].endswith("set HOME to a folder, or both BOOK_CACHE and BOOK_RUNS.")


def test_no_records_says_how_to_make_one(capsys):
    assert main(["records"]) == 0
    assert "--store" in capsys.readouterr().out


def test_ledger_as_text_and_json(capsys):
    assert main(["ledger"]) == 0
    assert "K1" in capsys.readouterr().out
    assert main(["ledger", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == 102
    columns = "id source where statement test verdict scale effect interval seeds control record core holds_in_control"
    assert set(columns.split()) <= set(rows[0])
    assert {row["verdict"] for row in rows} == {"not run"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "percepton"], "did you mean 'perceptron'"),
        (["run", "perceptron", "--preset", "huge"], "Unknown preset 'huge'"),
        (["run", "perceptron", "--device", "abacus"], "'abacus' is no device"),
        (["bench", "nothing"], "Unknown benchmark 'nothing'"),
    ],
)
def test_wrong_commands_get_one_sentence(arguments, message, capsys):
    assert main(arguments) == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("Error: ")
    assert message in error


def test_seeds_are_parsed():
    assert parse_seeds("3") == (3,)
    assert parse_seeds("0-2,7") == (0, 1, 2, 7)


@pytest.mark.parametrize("text", ["", "a", "1,1", "3-1", "-4"])
def test_wrong_seeds_end_the_command(text, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["run", "perceptron", f"--seeds={text}"])
    assert stop.value.code == 2
    assert "is no list of different seeds" in capsys.readouterr().err


def test_ctrl_c_keeps_finished_seeds_and_the_next_run_goes_on(tmp_path, monkeypatch):
    """A real process is interrupted after its first batch of seeds."""
    runs = tmp_path / "runs"
    monkeypatch.setenv("BOOK_RUNS", str(runs))
    command = [sys.executable, "-m", "lib", "run", "perceptron", "--preset", "smoke", "--seeds", "0-299"]
    process = subprocess.Popen(command, cwd=provenance.ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not list(runs.glob("*.nc")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Finished seeds are stored" in error
    finished = {path.name for path in runs.glob("*.nc")}
    assert finished
    assert not list(runs.glob(".*.part"))
    experiment = experiments.get("perceptron")
    batches = experiment.batches(experiment.config("smoke", range(300)))
    done = [records.find(experiment, batch, "smoke") for batch in batches[: len(finished)]]
    assert [part.sizes["seed"] for part in done if part is not None] == [3] * len(finished)
