"""Shared by all tests: nothing that a test runs touches the reader's own cache, or the network; and the built book."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from lib import records
from lib.build import ROOT

PAGES = Path(__file__).parent / "book"
BUILT = ROOT / "_build" / "tests"


class BackgroundBuild:
    """The book at preset smoke, built while tests that need no page run."""

    def __init__(self):
        self.log = Path(tempfile.mkdtemp(prefix="book-of-tests-")) / "build.log"
        command = [sys.executable, "-m", "lib", "build", "--preset", "smoke", "--output", str(BUILT)]
        with self.log.open("wb") as said:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=said, stderr=subprocess.STDOUT)

    def html(self):
        """Wait for the build, and return the folder of its pages."""
        if self.process.wait() != 0:
            pytest.fail(f"The book could not be built:\n{self.log.read_text(errors='replace')[-6000:]}")
        return BUILT / "_build" / "html"


BUILD = pytest.StashKey[BackgroundBuild]()


def pytest_collection_modifyitems(items):
    """Put the tests of the book's pages last: the book is being built meanwhile."""
    items.sort(key=lambda item: PAGES in item.path.parents)


def pytest_collection_finish(session):
    """Begin to build the book if a test asks for it and none is given."""
    wanted = any("book" in getattr(item, "fixturenames", ()) for item in session.items)
    if wanted and not session.config.option.collectonly and not os.environ.get("BOOK_HTML"):
        session.config.stash[BUILD] = BackgroundBuild()


def pytest_unconfigure(config):
    """Leave no build behind, however the tests ended."""
    if BUILD in config.stash:
        config.stash[BUILD].process.terminate()
        config.stash[BUILD].process.wait()


@pytest.fixture(scope="session")
def book(request):
    """Return the folder of the built pages: `$BOOK_HTML`, or the whole book made at preset smoke."""
    return Path(os.environ["BOOK_HTML"]) if os.environ.get("BOOK_HTML") else request.config.stash[BUILD].html()


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
