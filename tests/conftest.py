"""Shared by all tests: nothing that a test runs touches the reader's own cache, or the network; and the built book."""

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

# Before PyTorch counts the cores, and for all processes that tests start, which then give the same numbers to the last
# bit. What tests run is so small that handing it from thread to thread takes three to six times as long as doing it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from lib import records
from lib.build import ROOT

PAGES = Path(__file__).parent / "book"
BUILT = ROOT / "_build" / "tests"


class Background:
    """What takes minutes and waits for no other test, while the others run on another core.

    That is the book at preset smoke and, when it is built, the type checker and the chapters under nbval, two at a
    time: what starts a kernel or a browser leaves a core idle half of the time.
    """

    def __init__(self):
        self.log = Path(tempfile.mkdtemp(prefix="book-of-tests-")) / "build.log"
        self.pool = ThreadPoolExecutor(2)
        self.process = None
        self.begun = {}
        self.build = self.pool.submit(self._build)

    def _build(self):
        command = [sys.executable, "-m", "lib", "build", "--preset", "smoke", "--output", str(BUILT)]
        with self.log.open("wb") as said:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=said, stderr=subprocess.STDOUT)
        return self.process.wait()

    def begin(self, what, work):
        """Do some work when the book is built and what was asked for before is done or begun."""

        def after_the_build():
            self.build.result()
            return work()

        self.begun[what] = self.pool.submit(after_the_build)

    def result(self, what, work):
        """Return what a work gave; one that still waits for its turn is done here and now."""
        return work() if self.begun[what].cancel() else self.begun[what].result()

    def html(self):
        """Wait for the build, and return the folder of its pages."""
        if self.build.result() != 0:
            pytest.fail(f"The book could not be built:\n{self.log.read_text(errors='replace')[-6000:]}")
        return BUILT / "_build" / "html"

    def end(self):
        """Leave nothing running."""
        self.pool.shutdown(wait=False, cancel_futures=True)
        if self.process is not None:
            self.process.terminate()
            self.process.wait()


BACKGROUND = pytest.StashKey[Background]()


def pytest_collection_modifyitems(items):
    """Put last the tests of the book's pages, and before them those that also wait for the background."""
    items.sort(key=lambda item: (PAGES in item.path.parents, _waits(item)))


def _waits(item):
    return hasattr(getattr(item, "function", None), "beforehand")


def pytest_collection_finish(session):
    """Begin to build the book if a test asks for it and none is given."""
    wanted = any("book" in getattr(item, "fixturenames", ()) for item in session.items)
    if not wanted or session.config.option.collectonly or os.environ.get("BOOK_HTML"):
        return
    background = session.config.stash[BACKGROUND] = Background()
    # The last comes first: the tests begin at the other end, so the two meet where nobody waits.
    for item in reversed(session.items):
        if _waits(item):
            background.begin(item.nodeid, work_of(item))


def work_of(item):
    """Return what a test's attribute `beforehand` does with the test's parameters."""
    return partial(item.function.beforehand, **item.callspec.params)


@pytest.fixture
def done_beforehand(request):
    """Return what the test's `beforehand` gave: in the background, or here and now where it did not come to it."""
    work, background = work_of(request.node), request.config.stash.get(BACKGROUND, None)
    return work() if background is None else background.result(request.node.nodeid, work)


def pytest_unconfigure(config):
    """Leave no build behind, however the tests ended."""
    if BACKGROUND in config.stash:
        config.stash[BACKGROUND].end()


@pytest.fixture(scope="session")
def book(request):
    """Return the folder of the built pages: `$BOOK_HTML`, or the whole book made at preset smoke."""
    return Path(os.environ["BOOK_HTML"]) if os.environ.get("BOOK_HTML") else request.config.stash[BACKGROUND].html()


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory, monkeypatch):
    """Give every test empty folders for cached runs."""
    monkeypatch.setenv("BOOK_OFFLINE", "1")
    monkeypatch.setenv("BOOK_RUNS", str(tmp_path_factory.mktemp("runs")))


@pytest.fixture
def small_disk(tmp_path):
    """Return the folder of a file system of half a megabyte."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip("only root may mount a file system")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


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
