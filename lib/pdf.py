"""The whole book as one PDF: `python -m lib pdf`, printed from a single page by the system's Chromium."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from lib import files
from lib.build import ROOT, BuildError, build, pages

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""Programs that can print, in the order in which they are looked for."""

PATIENCE = 900  # seconds in which a browser must print
_SETTING = 120_000  # milliseconds, by the page's own clock, in which formulas are set


def browser() -> str:
    """Return the path of a browser that can print.

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise FileNotFoundError(f"No browser prints the book: install one of {', '.join(BROWSERS)}.")
    return found


def print_book(source: Path = ROOT, output: Path | None = None, *, preset: str | None = None) -> Path:
    """Build the book as a single page, print it, and return the PDF.

    Parameters
    ----------
    source : Path
        Folder with ``_config.yml``, ``_toc.yml``, ``book/`` and ``chapters/``.
    output : Path, optional
        Folder in which ``_build/book.pdf`` is made; `source` if not given.
    preset : str, optional
        Size of the computations; ``$BOOK_PRESET`` or ``book`` if not given.

    Raises
    ------
    FileNotFoundError
        If there is no browser, or `source` holds no book.
    BuildError
        If the book cannot be built, or the browser does not print.
    """
    program = browser()
    index = build(source, output, preset=preset, builder="singlehtml")
    page, pdf = index.with_name("book.html"), index.parent.parent / "book.pdf"
    page.write_text(_at_the_top(index.parent / f"{pages(source)[0]}.html"), "utf-8")
    with files.whole(pdf) as unfinished, tempfile.TemporaryDirectory() as profile:
        command = [program, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
        command += [f"--virtual-time-budget={_SETTING}", "--run-all-compositor-stages-before-draw"]
        command += ["--no-pdf-header-footer", "--generate-pdf-document-outline", f"--print-to-pdf={unfinished}"]
        try:
            done = subprocess.run([*command, page.as_uri()], capture_output=True, text=True, timeout=PATIENCE)
        except subprocess.TimeoutExpired as error:
            raise BuildError(f"{program} did not print {page} in {PATIENCE} s.") from error
        if done.returncode != 0 or not unfinished.exists():
            raise BuildError(f"{program} did not print {page}: {done.stderr.strip()[-300:]}")
    return pdf


def _at_the_top(page: Path) -> str:
    """Return the single page as it must be to stand in the top folder, to which its addresses refer.

    Sphinx leads citations to the file it wrote, by numbers that each of the joined pages counts anew; these links go.
    """
    return re.sub(rf'href="[^"]*{re.escape(page.name)}#id\d+"', "", page.read_text("utf-8"))
