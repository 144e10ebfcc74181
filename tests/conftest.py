"""Shared by all tests: nothing that a test runs touches the reader's own cache, or the network."""

import pytest

from lib import records


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory, monkeypatch):
    """Give every test empty folders for cached runs."""
    monkeypatch.setenv("BOOK_OFFLINE", "1")
    monkeypatch.setenv("BOOK_RUNS", str(tmp_path_factory.mktemp("runs")))


@pytest.fixture(scope="session")
def smoke_record(tmp_path_factory):
    """Return a function from an experiment's name to its smoke record, run once; a copy, for tests change it."""
    found = {}

    def record(name):
        if name not in found:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("BOOK_RUNS", str(tmp_path_factory.mktemp("runs")))
                found[name] = records.obtain(name, "smoke")
        return found[name].copy(deep=True)

    return record
