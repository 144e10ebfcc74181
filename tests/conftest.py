"""Shared by all tests: nothing that a test runs touches the reader's own cache, or the network."""

import pytest


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory, monkeypatch):
    """Give every test empty folders for cached runs."""
    monkeypatch.setenv("BOOK_OFFLINE", "1")
    monkeypatch.setenv("BOOK_RUNS", str(tmp_path_factory.mktemp("runs")))
