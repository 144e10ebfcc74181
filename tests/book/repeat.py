"""Execute the pages with interaction many times over and report hangs and failures: `python -m tests.book.repeat 20`.

A widget that owns an ``Output`` hangs the executing client in about one run of six. This is the proof that no
page does: every run is a fresh kernel at preset smoke, with the client, the settings and the time-out of the
build.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from jupyter_cache.executors.utils import single_nb_execution

from lib.build import CELL_TIMEOUT, ROOT, pages


def interactive_pages() -> list[Path]:
    """Return the notebooks of the book that show a slider."""
    notebooks = [ROOT / f"{page}.ipynb" for page in pages()]
    return [path for path in notebooks if path.exists() and "explore(" in path.read_text(encoding="utf-8")]


def repeat(path: Path, times: int) -> int:
    """Execute a page in fresh kernels, tell how each run went, and return how many failed."""
    taken, failures = [], 0
    for run in range(1, times + 1):
        notebook = nbformat.read(path, as_version=4)
        started = time.monotonic()
        result = single_nb_execution(
            notebook, cwd=str(path.parent), timeout=CELL_TIMEOUT["smoke"], allow_errors=False, meta_override=True
        )
        taken.append(time.monotonic() - started)
        failures += result.err is not None
        outcome = "ok" if result.err is None else f"{type(result.err).__name__}: {str(result.err)[-300:]}"
        print(f"{path.relative_to(ROOT)} {run}/{times}: {taken[-1]:.1f} s, {outcome}", flush=True)
    print(f"{path.relative_to(ROOT)}: {times} runs, {min(taken):.1f} to {max(taken):.1f} s", flush=True)
    return failures


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.book.repeat", description=__doc__)
    parser.add_argument("times", type=int, nargs="?", default=20, help="how often each page is executed")
    times = parser.parse_args(arguments).times
    os.environ.update(BOOK_BUILD="1", BOOK_OFFLINE="1", BOOK_PRESET="smoke", PYDEVD_DISABLE_FILE_VALIDATION="1")
    with tempfile.TemporaryDirectory() as runs:  # results are computed once, and not found in the reader's own cache
        os.environ["BOOK_RUNS"] = runs
        failures = sum(repeat(path, times) for path in interactive_pages())
    print(f"{failures} of {times * len(interactive_pages())} executions failed or hung.")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
