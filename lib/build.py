"""Build the book: `python -m lib build`.

jupyter-book does the work; this module sees to what it leaves open.

- Pages are executed side by side, one on each core (`lib.execution`).

- A chapter is executed again when anything it is computed with has changed: the execution cache of MyST-NB sees
  the code of a notebook only, so its folder is named after a hash of the library, the lock file, the preset, the
  records and the data in sight.
- A build is right or it fails: a failing cell, a warning and a hang all end in one sentence and a non-zero exit
  code, within the time-outs of the preset.
- The pages are made afresh in a folder of their own and moved into place when they are complete, so a failed or
  interrupted build leaves the last good book as it was.
- Nothing is fetched, and where nothing has changed nothing is done.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import platform
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from lib import presets
from lib.files import caches

ROOT = Path(__file__).resolve().parent.parent

CELL_TIMEOUT = {"smoke": 120, "book": 600, "reduced": 6 * 3600, "paper": 24 * 3600}
"""Seconds that one cell may take, by preset."""

TIMEOUT = {"smoke": 15 * 60, "book": 60 * 60, "reduced": 24 * 3600, "paper": 7 * 24 * 3600}
"""Seconds that the whole build may take, by preset."""

KEPT_CACHES = 3  # execution caches that stay, so that switching between presets or branches does not run all again

_VIEWCODE = "sphinx.ext.viewcode"
_M = re.MULTILINE | re.DOTALL
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class BuildError(RuntimeError):
    """The book could not be built; the message says where and why."""


def build(
    source: Path = ROOT,
    output: Path | None = None,
    *,
    preset: str | None = None,
    jobs: int | None = None,
    force: bool = False,
    builder: str = "html",
) -> Path:
    """Build the book and return the path of its first page.

    Parameters
    ----------
    source : Path
        Folder with ``_config.yml``, ``_toc.yml``, ``book/`` and ``chapters/``.
    output : Path, optional
        Folder in which ``_build/html``, or that of another builder, is made; `source` if not given.
    preset : str, optional
        Size of the computations; ``$BOOK_PRESET`` or ``book`` if not given.
    jobs : int, optional
        Pages executed at a time; if not given, as many as there are cores, and one from preset reduced on, whose
        runs fill a machine.
    force : bool
        Execute and build everything again, whatever has changed.
    builder : {"html", "singlehtml"}
        Many pages, or all of the book on one.

    Raises
    ------
    BuildError
        If a cell fails, anything warns, or a time-out is reached.
    FileNotFoundError
        If `source` holds no book.
    ValueError
        If `jobs` is less than one.
    """
    started = time.monotonic()
    source, folder = source.resolve(), (output or source).resolve() / "_build"
    preset = presets.check(preset) if preset else presets.active()
    short = presets.rank(preset) <= presets.rank("book")
    jobs = jobs if jobs is not None else (os.cpu_count() or 1) if short else 1
    if jobs < 1:
        raise ValueError(f"{jobs} pages cannot be executed at a time: ask for one at least.")
    for name in ("_config.yml", "_toc.yml"):
        if not (source / name).is_file():
            raise FileNotFoundError(f"{source} has no {name}: run the build in the project's top folder.")

    key, state = execution_key(source, preset), build_state(source, preset)
    index = folder / builder / "index.html"
    stamp = folder / ("built-from" if builder == "html" else f"built-from-{builder}")
    if not force and index.exists() and stamp.exists() and stamp.read_text() == state:
        print(f"The book has not changed since it was built at preset {preset}.")
        return index

    caches, work = folder / ".jupyter_cache", folder / ".work"
    cache = caches / key
    shutil.rmtree(work, ignore_errors=True)
    if force:
        shutil.rmtree(cache, ignore_errors=True)
    cache.mkdir(parents=True, exist_ok=True)
    os.utime(cache)
    _drop_all_but_newest(caches, KEPT_CACHES)

    work.mkdir()
    config = work / "_config.yml"
    config.write_text(yaml.safe_dump(configure(_read(source / "_config.yml"), preset, cache), sort_keys=False))
    log = folder / "build.log"
    print(f"Building the book at preset {preset}; the full log is {log}.", flush=True)
    # Short runs are made anew with every change of the library, long ones found where `python -m lib run` left them.
    runs = {"BOOK_RUNS": str(cache / "runs")} if short else {}
    execution = ["--cache", str(cache), "--timeout", str(CELL_TIMEOUT[preset]), "--jobs", str(jobs)]
    execution += ["--builder", builder, "--pages", *map(str, _files(source))]
    status = _run_jupyter_book(source, work, config, log, preset, runs, execution)
    if status != 0:
        raise BuildError(_explain(status, log, source, preset))

    html, old = folder / builder, folder / ".old"
    shutil.rmtree(old, ignore_errors=True)
    stamp.unlink(missing_ok=True)
    if html.exists():
        html.rename(old)
    (work / "_build" / builder).rename(html)
    stamp.write_text(state)
    for folder_done_with in (old, work):
        shutil.rmtree(folder_done_with, ignore_errors=True)
    print(f"Built in {time.monotonic() - started:.0f} s; its largest process took {_largest_process_gib():.1f} GiB.")
    return index


def pages(source: Path = ROOT) -> list[str]:
    """Return the pages of the table of contents in reading order, without their endings.

    Examples
    --------
    >>> pages()[0]
    'book/intro'
    """
    toc = _read(source / "_toc.yml")
    groups = [*toc.get("parts", []), {"chapters": toc.get("chapters", [])}]
    return [toc["root"], *(entry["file"] for group in groups for entry in group["chapters"])]


def _files(source: Path) -> list[Path]:
    """Return the files of the pages, those named in the table of contents without an ending found by it."""
    named = [source / page for page in pages(source)]
    found = [page.with_name(page.name + ending) for page in named for ending in (".ipynb", ".md")]
    return [page for page in found if page.is_file()]


def configure(config: dict[str, Any], preset: str, cache: Path) -> dict[str, Any]:
    """Return the book's configuration with what depends on the moment: cache, time-outs, buttons.

    The buttons that lead to the source need its public address. Without ``repository.url`` there are none; with it
    there are source, edit and issue buttons, and where the address is on GitHub buttons that open a chapter on Colab
    or, with all it needs (``.binder``), on Binder. At preset smoke there are no pages of the library's sources, whose
    colours take half of the time that the pages take.

    Examples
    --------
    >>> plain = configure({"repository": {"url": ""}}, "smoke", Path("cache"))
    >>> plain["html"]["use_edit_page_button"], plain["launch_buttons"], plain["execute"]["timeout"]
    (False, {}, 120)
    >>> public = configure({"repository": {"url": "https://github.com/someone/book"}}, "book", Path("cache"))
    >>> public["html"]["use_edit_page_button"], list(public["launch_buttons"])
    (True, ['binderhub_url', 'colab_url', 'notebook_interface'])
    """
    url = (config.get("repository") or {}).get("url") or ""
    on_github = url.startswith("https://github.com/")
    buttons = ("use_repository_button", "use_edit_page_button", "use_issues_button")
    settings = dict((config.get("sphinx") or {}).get("config") or {})
    if preset == "smoke":
        settings["extensions"] = [each for each in settings.get("extensions", []) if each != _VIEWCODE]
        settings = {name: value for name, value in settings.items() if not name.startswith("viewcode_")}
    services = {
        "binderhub_url": "https://mybinder.org",
        "colab_url": "https://colab.research.google.com",
        "notebook_interface": "jupyterlab",
    }
    return {
        **config,
        "execute": {
            **config.get("execute", {}),
            "execute_notebooks": "cache",
            "cache": str(cache),
            "timeout": CELL_TIMEOUT[preset],
            "raise_on_error": True,
            "show_tb": True,
        },
        "html": {**config.get("html", {}), **dict.fromkeys(buttons, bool(url))},
        "sphinx": {**config.get("sphinx", {}), "config": settings},
        "launch_buttons": services if on_github else {},
    }


def execution_key(source: Path = ROOT, preset: str | None = None) -> str:
    """Return a hash of all that the chapters are computed with, their own code aside.

    That is the library, the lock file, Python's version, the preset, the device asked for, the stored records and
    benchmarks, and names, sizes and times of the data sets in sight.

    Examples
    --------
    >>> execution_key(preset="smoke") == execution_key(preset="smoke") != execution_key(preset="book")
    True
    """
    digest = hashlib.sha256()
    settings = [preset or presets.active(), platform.python_version(), os.environ.get("BOOK_DEVICE", "")]
    digest.update(json.dumps(settings).encode())
    _add_files(digest, ROOT, [ROOT / "lib"])
    _add_files(digest, source, [source / name for name in ("requirements.txt", "book/records", "book/benchmarks")])
    folders = os.environ.get("BOOK_DATA", "").split(os.pathsep)
    folders.append(os.environ.get("BOOK_CACHE") or str(caches()))
    for folder in filter(None, folders):
        for path in sorted(Path(folder).expanduser().glob("**/*.npz")):
            digest.update(f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def build_state(source: Path = ROOT, preset: str | None = None) -> str:
    """Return a hash of all that the pages are made from: `execution_key`, the configuration, pages and chapters."""
    digest = hashlib.sha256(execution_key(source, preset).encode())
    _add_files(digest, source, [source / name for name in ("_config.yml", "_toc.yml", "book", "chapters")])
    return digest.hexdigest()


def _add_files(digest: hashlib._Hash, base: Path, paths: Iterable[Path]) -> None:
    """Add names and contents of files, and of all files below folders, leaving out what tools leave behind."""
    for top in paths:
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            left_behind = any(part == "__pycache__" or part.startswith(".") for part in path.relative_to(base).parts)
            if path.is_file() and not left_behind:
                content = path.read_bytes()
                digest.update(f"{path.relative_to(base).as_posix()} {len(content)}\n".encode())
                digest.update(content)


def _drop_all_but_newest(folder: Path, keep: int) -> None:
    by_age = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in by_age[keep:]:
        shutil.rmtree(path, ignore_errors=True)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise BuildError(f"{path} is not valid YAML: {error}") from error
    return content if isinstance(content, dict) else {}


def _run_jupyter_book(
    source: Path,
    work: Path,
    config: Path,
    log: Path,
    preset: str,
    variables: dict[str, str],
    execution: list[str],
) -> int | None:
    """Run jupyter-book, tell what is being executed, and return its exit status, or None after a time-out."""
    command = [sys.executable, "-m", "lib.execution", "build", str(source), "--path-output", str(work)]
    command += ["--config", str(config), "--toc", str(source / "_toc.yml"), "-W", "--keep-going", *execution]
    environment = {
        # Threads that wait would spin on, and stall each other on a busy machine; some 50 microseconds are worth it.
        "OMP_WAIT_POLICY": "PASSIVE",
        "GOMP_SPINCOUNT": "20000",
        **os.environ,
        "BOOK_BUILD": "1",
        "BOOK_OFFLINE": "1",
        "BOOK_PRESET": preset,
        "PYTHONUNBUFFERED": "1",
        **variables,
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # a note on frozen modules that has no place on a page
    }
    deadline = time.monotonic() + TIMEOUT[preset]
    previous = _exit_on_sigterm()
    # The log is a file from the start: a kernel that outlives its client would keep a pipe open, and us waiting.
    with log.open("wb") as kept, log.open(encoding="utf-8", errors="replace") as told:
        process = subprocess.Popen(command, cwd=source, env=environment, stdout=kept, stderr=subprocess.STDOUT)
        try:
            pending, executed = "", set[str]()
            while (status := process.poll()) is None and time.monotonic() < deadline:
                time.sleep(0.1)
                *lines, pending = (pending + told.read()).split("\n")
                for line in lines:
                    if (news := _news(_ANSI.sub("", line), source, executed)) is not None:
                        print(news, flush=True)
        finally:
            _stop(process)
            if previous is not None:
                signal.signal(signal.SIGTERM, previous)
    log.write_text(_ANSI.sub("", log.read_text(encoding="utf-8", errors="replace")), encoding="utf-8")
    return status


def _largest_process_gib() -> float:
    """Return the peak memory of the largest process that was started from here and has ended, in GiB."""
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss  # in KiB, on a Mac in bytes
    return peak / (2**30 if sys.platform == "darwin" else 2**20)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a build that still runs: first as Ctrl-C does, so that it can end its kernel, then for good."""
    for end in (lambda: process.send_signal(signal.SIGINT), process.kill):
        if process.poll() is not None:
            return
        end()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)


def _exit_on_sigterm() -> Any:
    """Turn SIGTERM into an ordinary exit, so that a killed build takes its children along; return the old handler."""
    if threading.current_thread() is not threading.main_thread():
        return None

    def leave(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    return signal.signal(signal.SIGTERM, leave)


def _news(line: str, source: Path, executed: set[str]) -> str | None:
    """Return what the reader of the terminal wants to know of a line of the log, if anything.

    Pages that this build executed are noted in `executed`: that jupyter-book finds them in the cache is no news.
    """
    told = re.match(r"(/[^:]*): (Executing notebook|Executed notebook in|Using cached)([^\[]*)", line)
    if told is None:
        return None
    path, what, more = told.groups()
    if what == "Using cached" and path in executed:
        return None
    executed.add(path)
    said = {"Executing notebook": "executing", "Using cached": "as executed before"}.get(what, f"executed in{more}")
    return f"  {Path(path).relative_to(source)}: {said.strip()}"


def _explain(status: int | None, log: Path, source: Path, preset: str) -> str:
    """Say in a few lines why a build failed: time-out, failing cell, warnings, or the end of the log."""
    text = log.read_text(encoding="utf-8").replace(f"{source}{os.sep}", "")
    more = f"The full log is {log}; the last good book, if there is one, is untouched."
    if status is None:
        begun, done = (
            re.findall(rf"^(\S+): {what} notebook", text, flags=re.MULTILINE) for what in ("Executing", "Executed")
        )
        running = " and ".join(page for page in begun if page not in done)
        where = f" while executing {running}" if running else ""
        return f"The build reached its limit of {TIMEOUT[preset]} s at preset {preset}{where}.\n{more}"
    if failed := re.search(
        r"^(?P<page>\S+): WARNING: Executing notebook failed: (?P<kind>\w+)\n(?P<what>.*?)\[mystnb", text, _M
    ):
        what = failed["what"]
        number = re.search(r"Cell In\[(\d+)\]", what)
        cell = f", code cell {number[1]}" if number else ""
        source_of_cell, _, traceback = (
            what.split("following cell:")[-1].strip("\n -").partition("\n------------------\n")
        )
        frames = traceback.strip().split("\n\n")
        shown = [frame for frame in frames if frame.startswith("Cell In") or "\nCell In" in frame][:1]
        shown += [frame for frame in frames[-2:] if frame not in shown]
        lines = "\n\n".join([source_of_cell, *shown]).splitlines()
        return "\n".join([f"{failed['page']}{cell} failed ({failed['kind']}):", "", *lines[:40], "", more])
    warnings = [line for line in text.splitlines() if re.search(r"\b(WARNING|ERROR|CRITICAL|SEVERE)\b", line)]
    warnings = [line for line in warnings if "[IPKernelApp]" not in line]
    if warnings:
        return "\n".join([f"The build fails because of its warnings ({len(warnings)}):", *warnings[:20], more])
    return "\n".join([f"jupyter-book ended with status {status}:", *text.splitlines()[-15:], more])


def main(arguments: list[str] | None = None) -> int:
    """Run the command line ``python -m lib build``; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m lib build", description="Build the book.")
    parser.add_argument("--output", type=Path, help="folder in which _build/html is made (default: the project's)")
    parser.add_argument("--source", type=Path, default=ROOT, help="folder with _config.yml and _toc.yml")
    parser.add_argument(
        "--preset", choices=presets.PRESETS, help="size of the computations (default: $BOOK_PRESET or book)"
    )
    parser.add_argument("--jobs", type=int, help="pages executed at a time (default: one for each core)")
    parser.add_argument("--force", action="store_true", help="execute and build everything again")
    options = parser.parse_args(arguments)
    try:
        index = build(options.source, options.output, preset=options.preset, jobs=options.jobs, force=options.force)
    except (BuildError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; the last good book, if there is one, is untouched.", file=sys.stderr)
        return 130
    print(f"The book is at {index}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
