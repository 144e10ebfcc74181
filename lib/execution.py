"""The chapters executed side by side, before jupyter-book reads them from its cache.

jupyter-book executes one page after another, while each keeps little more than one core busy. So `python -m lib build`
starts this module instead: it executes as many pages at a time as there are cores, keeps them where MyST-NB looks
for executed pages, and hands over to jupyter-book, which executes nothing more.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn, JupyterCacheAbstract
from myst_nb.core.read import is_myst_markdown_notebook
from nbclient import NotebookClient
from nbclient.exceptions import CellControlSignal, DeadKernelError
from nbformat import NotebookNode


def main(arguments: Sequence[str]) -> None:
    """Execute pages, then run jupyter-book on what is left of the command line.

    The exit status is 1 where a page failed; what failed is then printed as MyST-NB would have printed it.
    """
    parser = argparse.ArgumentParser(prog="python -m lib.execution", description="Execute pages side by side.")
    parser.add_argument("--cache", type=Path, required=True, help="folder of executed pages")
    parser.add_argument("--timeout", type=int, required=True, help="seconds that one cell may take")
    parser.add_argument("--jobs", type=int, default=1, help="pages executed at a time")
    parser.add_argument("--pages", type=Path, nargs="*", default=[], help="files, in the order in which they begin")
    options, jupyter_book = parser.parse_known_args(arguments)
    # Pages that share the cores get a share of them each: threads that wait for each other are slower than none.
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // options.jobs)))
    if not execute(options.pages, options.cache, timeout=options.timeout, jobs=options.jobs):
        sys.exit(1)

    # jsonschema would load 38 grammars for addresses that no notebook holds: four seconds of every build.
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    from jupyter_book.cli.main import main as build

    build(jupyter_book)


def execute(pages: Sequence[Path], cache: Path, *, timeout: int, jobs: int) -> bool:
    """Execute notebooks and MyST pages with code that are not in the cache yet; return whether all went well.

    The first failure ends what else is running, and is printed in the words of MyST-NB.

    Parameters
    ----------
    pages : sequence of Path
        Files, in the order in which they begin. Each is executed in its own folder.
    cache : Path
        Folder of jupyter-cache.
    timeout : int
        Seconds that one cell may take.
    jobs : int
        Pages executed at a time.
    """
    failures: list[str] = []
    try:
        asyncio.run(_execute_all(pages, get_cache(cache), timeout, jobs, failures))
    except* _PageFailedError:
        print(failures[0], flush=True)
    return not failures


class _PageFailedError(RuntimeError):
    """A page failed; what is to be said of it is kept apart, for others fail with it."""


async def _execute_all(
    pages: Sequence[Path], cache: JupyterCacheAbstract, timeout: int, jobs: int, failures: list[str]
) -> None:
    free = asyncio.Semaphore(jobs)
    async with asyncio.TaskGroup() as group:
        for page in pages:
            group.create_task(_execute(page, cache, timeout, free, failures))


async def _execute(
    page: Path, cache: JupyterCacheAbstract, timeout: int, free: asyncio.Semaphore, failures: list[str]
) -> None:
    async with free:
        record, notebook = _read(page, cache)
        if notebook is None:
            return
        print(f"{page}: Executing notebook", flush=True)
        started = time.monotonic()
        # Times would be written into the cells, and a page is found again by what its cells hold.
        folder = {"metadata": {"path": str(page.parent)}}
        # Output that comes late, on a machine with other work, is waited for: by default it is dropped after 4 seconds.
        client = NotebookClient(
            notebook,
            timeout=timeout,
            iopub_timeout=timeout,
            raise_on_iopub_timeout=True,
            record_timing=False,
            resources=folder,
        )
        try:
            await client.async_execute()
        except (CellControlSignal, DeadKernelError) as error:
            what = f"{page}: WARNING: Executing notebook failed: {type(error).__name__}\n"
            failures.append(f"{what}{traceback.format_exc()} [mystnb.exec]")
            raise _PageFailedError from error
        seconds = time.monotonic() - started
        bundle = CacheBundleIn(notebook, record, data={"execution_seconds": seconds})
        cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
        print(f"{page}: Executed notebook in {seconds:.2f} seconds", flush=True)


def _read(page: Path, cache: JupyterCacheAbstract) -> tuple[str, NotebookNode | None]:
    """Return a page's address in the cache and its notebook, or none where there is nothing to execute."""
    markdown = page.suffix == ".md"
    if markdown and not is_myst_markdown_notebook(page.read_text(encoding="utf-8")):
        return str(page), None
    reader = {"read_data": {"name": "myst_nb_md", "type": "plugin"}} if markdown else {}
    record = cache.add_nb_to_project(str(page), **reader)
    notebook = cache.get_project_notebook(record.pk).nb
    if not any(cell.cell_type == "code" for cell in notebook.cells):
        return record.uri, None
    try:
        cache.match_cache_notebook(notebook)
    except KeyError:
        return record.uri, notebook
    return record.uri, None


if __name__ == "__main__":
    main(sys.argv[1:])
