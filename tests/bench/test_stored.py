"""Results of benchmarks are kept whole, read again, and refused when damaged."""

import json

import pytest

from lib.bench import BENCHMARKS, BenchResult, store, stored
from lib.bench._stored import FOLDER

RESULT = BenchResult("nap", 0.5, 1.5, 3.0, (2.5, 3.5), "a nap; reference: a long one", "2 cores")


def test_a_result_is_read_as_it_was_kept_with_machine_and_versions(tmp_path):
    store(RESULT, tmp_path / "new")
    assert store(BenchResult("another", 1.0, 1.0, 1.0, (0.9, 1.1), "-", "-"), tmp_path / "new").name == "another.json"
    table = stored(tmp_path / "new")
    assert list(table.index) == ["another", "nap"]
    row = table.loc["nap"]
    assert (row["ours_s"], row["reference_s"], row["ratio"], row["low"], row["high"]) == (0.5, 1.5, 3.0, 2.5, 3.5)
    assert (row["note"], row["machine"]) == (RESULT.note, RESULT.machine)
    assert {"torch", "processor", "revision"} <= set(row["environment"])
    assert row["created"].endswith("+00:00")


def test_nothing_kept_is_an_empty_table(tmp_path):
    assert stored(tmp_path).empty


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "is no result"), ("[]", "is no result"), ('{"spread": [1]}', "is no result"), ("{}", "is no result")],
)
def test_what_is_no_result_is_refused(tmp_path, text, message):
    (tmp_path / "nap.json").write_text(text)
    with pytest.raises(ValueError, match=message + r".*: run `python -m lib bench nap --store`\."):
        stored(tmp_path)


def test_a_missing_field_is_named(tmp_path):
    path = store(RESULT, tmp_path)
    known = json.loads(path.read_text())
    del known["machine"]
    path.write_text(json.dumps(known))
    with pytest.raises(ValueError, match="lacks 'machine'"):
        stored(tmp_path)


def test_what_the_book_keeps_is_of_benchmarks_that_there_are():
    assert {path.stem for path in FOLDER.glob("*.json")} <= set(BENCHMARKS)
    stored()
