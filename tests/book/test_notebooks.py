"""The chapters as notebooks: run from a fresh kernel, compared where they say so, and stored without other outputs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
import pytest

from lib.build import CELL_TIMEOUT, ROOT, pages

CHAPTERS = [ROOT / f"{page}.ipynb" for page in pages() if (ROOT / f"{page}.ipynb").exists()]


BUILT_HTML = ROOT / "_build" / "tests" / "_build" / "html"
"""Where the book is that the tests build."""


def by_name(chapter: Path) -> str:
    return chapter.stem


ENVIRONMENT = dict(os.environ)
"""As it is before any test changes it: chapters are run while other tests are."""


def runs_of(book: Path) -> Path:
    """Return the folder of the runs that the book's own build made, so that nothing is run twice; else an empty one."""
    made = sorted((book.parent / ".jupyter_cache").glob("*/runs"), key=lambda folder: folder.stat().st_mtime)
    return made[-1] if made else Path(tempfile.mkdtemp(prefix="runs-of-tests-"))


def run_nbval(notebook: Path, runs: Path) -> subprocess.CompletedProcess[str]:
    """Run a notebook from a fresh kernel at preset smoke and compare the cells marked for it.

    Figures are drawn by the build, which the tests of the pages look at: here they are made and not drawn.
    """
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-current-env", str(notebook)]
    command += ["--nbval-sanitize-with", str(ROOT / "tests" / "nbval.cfg")]
    command += ["--nbval-cell-timeout", str(CELL_TIMEOUT["smoke"]), "-q", "-p", "no:cacheprovider"]
    # Our own options are for our own tests: nbval and the kernel warn about matters that are not ours.
    command += ["-o", "addopts=", "-o", "filterwarnings=", "-o", "timeout=0"]
    environment = {**ENVIRONMENT, "BOOK_BUILD": "1", "BOOK_OFFLINE": "1", "BOOK_PRESET": "smoke"}
    environment |= {"BOOK_RUNS": str(runs), "MPLBACKEND": "agg"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=540)


def run_chapter(chapter: Path) -> subprocess.CompletedProcess[str]:
    """Run a chapter as it is when the book has been built."""
    given = os.environ.get("BOOK_HTML")
    return run_nbval(chapter, runs_of(Path(given) if given else BUILT_HTML))


@pytest.mark.parametrize("chapter", CHAPTERS, ids=by_name)
def test_a_chapter_says_what_it_asks_shows_takes_and_teaches_and_solves_its_exercises(chapter: Path) -> None:
    cells = nbformat.read(chapter, as_version=4).cells
    for said in ("**Question.**", "**What this chapter shows.**", "**Time.**", "After this chapter you can"):
        assert said in cells[0].source, f"the first cell lacks {said!r}"
    (exercises,) = (cell.source.split("## Exercises")[1] for cell in cells if "## Exercises" in cell.source)
    numbers = re.findall(r"^(\d+)\. ", exercises, flags=re.MULTILINE)
    solved = [re.match(r"# Solution (\d+)", cell.source) for cell in cells if cell.cell_type == "code"]
    assert len(numbers) >= 3
    assert [match[1] for match in solved if match] == numbers


@pytest.mark.parametrize("chapter", CHAPTERS, ids=by_name)
def test_nbval_runs_the_chapter_and_finds_the_same_text(
    chapter: Path, book: Path, done_beforehand: subprocess.CompletedProcess[str]
) -> None:
    assert done_beforehand.returncode == 0, done_beforehand.stdout[-6000:] + done_beforehand.stderr[-2000:]


test_nbval_runs_the_chapter_and_finds_the_same_text.beforehand = run_chapter  # type: ignore[attr-defined]


def test_nbval_compares(tmp_path: Path) -> None:
    """A stored text that no longer holds fails; without this, stripped notebooks would pass whatever they print."""
    cell = nbformat.v4.new_code_cell("# NBVAL_CHECK_OUTPUT\nprint(1 + 1)", execution_count=1)
    cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text="3\n")]
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "wrong.ipynb")
    done = run_nbval(tmp_path / "wrong.ipynb", tmp_path)
    assert done.returncode == 1
    assert "1 failed" in done.stdout


@pytest.mark.parametrize("chapter", CHAPTERS, ids=by_name)
def test_only_compared_cells_keep_an_output(chapter: Path) -> None:
    for number, cell in enumerate(nbformat.read(chapter, as_version=4).cells, start=1):
        if cell.cell_type != "code":
            continue
        if "NBVAL_CHECK_OUTPUT" in cell.source:
            assert cell.outputs, f"cell {number} is compared by nbval, but has nothing to compare with"
            assert cell.execution_count, f"cell {number} has no execution count, without which nbval does not compare"
            assert all(output.output_type in ("stream", "execute_result") for output in cell.outputs)
            assert len(str(cell.outputs)) < 2000, f"cell {number} compares a long output: keep it short and rounded"
        else:
            assert not cell.outputs, f"cell {number} keeps an output that nothing compares: clear it"
            assert cell.execution_count is None, f"cell {number} keeps its execution count: clear its output"


def test_figures_have_names_of_their_own() -> None:
    """A name serves one figure of the whole book; the build finds a second one only after minutes."""
    cells = [(chapter.stem, cell) for chapter in CHAPTERS for cell in nbformat.read(chapter, as_version=4).cells]
    figures = [(cell.metadata.get("mystnb", {}).get("figure"), chapter) for chapter, cell in cells]
    named: dict[str, list[str]] = {}
    for figure, chapter in figures:
        if figure:
            named.setdefault(figure["name"], []).append(chapter)
    assert named
    assert {name: chapters for name, chapters in named.items() if len(chapters) > 1} == {}


@pytest.mark.parametrize("chapter", CHAPTERS, ids=by_name)
def test_chapter_runs_with_any_kernel_called_python3(chapter: Path) -> None:
    metadata = nbformat.read(chapter, as_version=4).metadata
    assert metadata["kernelspec"]["name"] == "python3"
    assert "widgets" not in metadata, "stored widget state: clear the outputs"
