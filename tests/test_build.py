"""The build of the book, tried on a book of two pages: what must fail fails, what need not run again does not."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup

from lib import build, pdf

INTRO = """# Small book

Figures live in {numref}`fig-line`, and $x^2$ is a formula.
"""

FIGURE = {
    "mystnb": {
        "image": {"alt": "A line that rises from the lower left."},
        "figure": {"name": "fig-line", "caption": "A line."},
    }
}


class SmallBook:
    """A book of an introduction and one chapter, with the configuration of the real one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = yaml.safe_load((build.ROOT / "_config.yml").read_text())
        (folder / "book").mkdir()
        (folder / "chapters").mkdir()
        (folder / "book" / "_static").symlink_to(build.ROOT / "book" / "_static")
        (folder / "book" / "references.bib").write_text("")
        (folder / "requirements.txt").write_text("")
        toc = {"format": "jb-book", "root": "book/intro", "chapters": [{"file": "chapters/one"}]}
        (folder / "_toc.yml").write_text(yaml.safe_dump(toc))
        self.write_config()
        self.write_intro(INTRO)
        self.write_cells("from matplotlib import pyplot as plt\n\nplt.plot([0, 1])\nplt.show()")

    def write_config(self, **changes: object) -> None:
        (self.folder / "_config.yml").write_text(yaml.safe_dump({**self.config, **changes}))

    def write_intro(self, text: str) -> None:
        (self.folder / "book" / "intro.md").write_text(text)

    def write_cells(self, *sources: str) -> None:
        """Write the chapter: its first cell draws the figure."""
        cells = [nbformat.v4.new_markdown_cell("# One chapter")]
        cells += [nbformat.v4.new_code_cell(source) for source in sources]
        cells[1].metadata.update(FIGURE)
        for number, cell in enumerate(cells):
            cell.id = f"cell-{number}"
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
        nbformat.write(notebook, self.folder / "chapters" / "one.ipynb")

    def build(self, **options: object) -> Path:
        return build.build(self.folder, preset="smoke", **options)

    def page(self, name: str = "chapters/one") -> BeautifulSoup:
        return BeautifulSoup((self.folder / "_build" / "html" / f"{name}.html").read_text(), "html.parser")


@pytest.fixture
def small_book(tmp_path: Path) -> SmallBook:
    return SmallBook(tmp_path)


def content(folder: Path) -> dict[str, object]:
    """Return what is in a folder, and when it was changed."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
        if not path.is_symlink()
    }


@pytest.fixture
def strange_place() -> Iterator[Path]:
    """Yield a folder that everybody may enter, with spaces and letters in its name that are not ASCII."""
    place = Path(tempfile.mkdtemp(prefix="ein Buch, größer ")).resolve()
    place.chmod(0o755)
    yield place
    for path in (place, *(path for path in place.rglob("*") if path.is_dir() and not path.is_symlink())):
        path.chmod(0o755)
    shutil.rmtree(place)


def test_a_source_that_may_not_be_written_is_built_elsewhere_by_a_user_without_privileges(strange_place: Path) -> None:
    source, output, home = (strange_place / name for name in ("die Quelle", "das Ziel", "heim"))
    for folder in (source, output, home):
        folder.mkdir()
    SmallBook(source)
    for path in (source, *source.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o555 if path.is_dir() else 0o444)
    before = content(source)
    command = [sys.executable, "-m", "lib.build", "--preset", "smoke", "--source", str(source)]
    nobody = {"user": 65534, "group": 65534, "extra_groups": []} if os.getuid() == 0 and _open_to_all() else {}
    for folder in (output, home):
        if nobody:
            os.chown(folder, 65534, 65534)
    environment = {**os.environ, "HOME": str(home), "PYTHONPATH": str(build.ROOT), "BOOK_RUNS": "", "BOOK_CACHE": ""}
    done = subprocess.run(
        [*command, "--output", str(output)], cwd="/", env=environment, capture_output=True, text=True, **nobody
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "its largest process took" in done.stdout
    assert "Figure" in (output / "_build" / "html" / "chapters" / "one.html").read_text()
    assert content(source) == before


def _open_to_all() -> bool:
    """Whether every user may run this Python and read the project; a home folder is often closed."""
    wanted = [Path(sys.executable).absolute(), Path(sys.executable).resolve(), build.ROOT / "lib"]
    folders = {parent for path in wanted for parent in path.parents}
    return all(folder.stat().st_mode & 0o005 == 0o005 for folder in folders)


def links_to_the_source(page: BeautifulSoup) -> list[str]:
    return [str(link["href"]) for link in page.select(".article-header-buttons a[href^=http]")]


def test_a_book_is_built_once_executed_again_when_the_key_changes_and_kept_when_a_cell_fails(
    small_book: SmallBook, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert small_book.build() == small_book.folder / "_build" / "html" / "index.html"
    said = capsys.readouterr().out
    assert "chapters/one.ipynb: executing" in said
    assert "chapters/one.ipynb: executed in" in said
    assert "as executed before" not in said, "jupyter-book finds what was executed just now"
    figure = small_book.page().select_one("figure#fig-line")
    assert figure is not None
    assert "Figure" in figure.get_text()
    assert links_to_the_source(small_book.page()) == [], "no public address, no button"

    small_book.build()
    assert "has not changed" in capsys.readouterr().out

    small_book.write_intro(INTRO + "\nOne more sentence.\n")
    small_book.build()
    assert "chapters/one.ipynb: as executed before" in capsys.readouterr().out
    assert "One more sentence" in small_book.page("book/intro").get_text()

    monkeypatch.setenv("BOOK_DEVICE", "cpu")
    small_book.write_config(repository={"url": "https://github.com/someone/book", "branch": "main"})
    small_book.build()
    assert "chapters/one.ipynb: executing" in capsys.readouterr().out
    links = links_to_the_source(small_book.page())
    assert "https://github.com/someone/book" in links
    assert "https://github.com/someone/book/edit/main/chapters/one.ipynb" in links
    assert any(link.startswith("https://github.com/someone/book/issues/new") for link in links)
    assert "https://colab.research.google.com/github/someone/book/blob/main/chapters/one.ipynb" in links
    assert "https://mybinder.org/v2/gh/someone/book/main?urlpath=lab/tree/chapters/one.ipynb" in links

    small_book.write_cells("1 + 1", "rate = 0\n1 / rate")
    with pytest.raises(build.BuildError, match=r"chapters/one.ipynb, code cell 2 failed") as failure:
        small_book.build()
    assert "ZeroDivisionError: division by zero" in str(failure.value)
    assert "1 / rate" in str(failure.value)
    assert len(str(failure.value).splitlines()) < 35
    assert small_book.page().select_one("figure#fig-line") is not None, "the last good book stays"


def test_warnings_fail_the_build_a_broken_reference_and_a_page_that_warns(small_book: SmallBook) -> None:
    small_book.write_cells("import warnings\n\nwarnings.warn('the interval is empty', stacklevel=1)")
    small_book.write_intro("# Small book\n\nSee {numref}`fig-nowhere`.\n")
    with pytest.raises(build.BuildError, match="fig-nowhere") as failure:
        small_book.build()
    assert "stderr" in str(failure.value)
    assert not (small_book.folder / "_build" / "html").exists()


def test_a_cell_that_hangs_is_ended(small_book: SmallBook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(build.CELL_TIMEOUT, "smoke", 3)
    small_book.write_cells("import time\n\ntime.sleep(600)")
    started = time.monotonic()
    with pytest.raises(build.BuildError, match=r"chapters/one.ipynb.* failed \(CellTimeoutError\)"):
        small_book.build()
    assert time.monotonic() - started < 60


def test_a_build_that_hangs_is_ended(small_book: SmallBook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(build.TIMEOUT, "smoke", 8)
    small_book.write_cells("import time\n\ntime.sleep(600)")
    started = time.monotonic()
    with pytest.raises(build.BuildError, match="limit of 8 s at preset smoke"):
        small_book.build()
    assert time.monotonic() - started < 60


def test_binder_installs_the_lock_file_and_the_package() -> None:
    binder = build.ROOT / ".binder"
    assert (binder / (binder / "requirements.txt").read_text().removeprefix("-r ").strip()).samefile(
        build.ROOT / "requirements.txt"
    )
    assert "--editable ." in (binder / "postBuild").read_text()
    assert os.access(binder / "postBuild", os.X_OK)


def test_no_button_of_colab_or_binder_for_a_source_elsewhere() -> None:
    configured = build.configure({"repository": {"url": "https://gitlab.com/someone/book"}}, "book", Path("cache"))
    assert configured["launch_buttons"] == {}
    assert configured["html"]["use_issues_button"]


def test_the_key_follows_library_lock_records_data_preset_and_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library, data = tmp_path / "lib", tmp_path / "sets"
    for folder in (library / "__pycache__", data, tmp_path / "book" / "records"):
        folder.mkdir(parents=True)
    (library / "walk.py").write_text("RATE = 1")
    (tmp_path / "requirements.txt").write_text("numpy==1")
    monkeypatch.setattr(build, "ROOT", tmp_path)
    monkeypatch.setenv("BOOK_DATA", str(data))
    monkeypatch.setenv("BOOK_CACHE", str(tmp_path / "cache"))

    keys = [build.execution_key(tmp_path, "smoke")]

    def differs() -> bool:
        keys.append(build.execution_key(tmp_path, "smoke"))
        return keys[-1] not in keys[:-1]

    (library / "__pycache__" / "walk.pyc").write_bytes(b"compiled")
    assert not differs()
    (library / "walk.py").write_text("RATE = 2")
    assert differs()
    (library / "looks.mplstyle").write_text("lines.linewidth: 2")
    assert differs()
    (tmp_path / "requirements.txt").write_text("numpy==2")
    assert differs()
    (tmp_path / "book" / "records" / "walk.nc").write_bytes(b"record")
    assert differs()
    (data / "mnist.npz").write_bytes(b"digits")
    assert differs()
    os.utime(data / "mnist.npz", (1, 1))
    assert differs()
    monkeypatch.setenv("BOOK_DEVICE", "cuda")
    assert differs()
    assert build.execution_key(tmp_path, "book") not in keys


def test_a_number_of_jobs_below_one_is_refused(small_book: SmallBook) -> None:
    with pytest.raises(ValueError, match="0 pages cannot be executed at a time"):
        small_book.build(jobs=0)


def test_only_the_newest_caches_stay(tmp_path: Path) -> None:
    for age in range(5):
        (tmp_path / f"cache-{age}").mkdir()
        os.utime(tmp_path / f"cache-{age}", (1000 - age, 1000 - age))
    build._drop_all_but_newest(tmp_path, 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache-0", "cache-1", "cache-2"]


def test_the_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert build.main(["--source", str(tmp_path)]) == 1
    assert f"{tmp_path} has no _config.yml: run the build in the project's top folder." in capsys.readouterr().err


@pytest.mark.parametrize("found", ["3.9.18", "none that runs"])
def test_an_unsupported_python_gets_one_sentence(tmp_path: Path, found: str) -> None:
    python = tmp_path / "python3"
    if found[0].isdigit():
        # Answers the question for its version, and fails the question whether it is supported.
        python.write_text(f'#!/bin/sh\ncase "$2" in *sys.exit*) exit 1;; *) echo {found};; esac\n')
        python.chmod(0o755)
    make = ["make", "setup", f"PYTHON={python}"]
    done = subprocess.run(make, cwd=build.ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    said = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert said == [f"The book needs Python 3.11, 3.12 or 3.13 (found: {found}); name one with PYTHON=/path/to/python."]


# -- on paper ----------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not any(map(shutil.which, pdf.BROWSERS)), reason="no browser that prints")
def test_the_book_is_printed_with_all_its_pages(small_book: SmallBook) -> None:
    printed = pdf.print_book(small_book.folder, preset="smoke")
    assert printed == small_book.folder / "_build" / "book.pdf"
    content = printed.read_bytes()
    assert content.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", content)) == 2  # each chapter begins on a page of its own
    assert b"/Subtype /Image" in content or b"/Subtype/Image" in content
    assert not list(printed.parent.glob("*.part*"))


def test_without_a_browser_nothing_is_built(small_book: SmallBook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "BROWSERS", ("no-such-browser",))
    with pytest.raises(FileNotFoundError, match=r"No browser prints the book: install one of no-such-browser\."):
        pdf.print_book(small_book.folder, preset="smoke")
    assert not (small_book.folder / "_build").exists()


def test_a_browser_that_fails_leaves_no_pdf(
    small_book: SmallBook, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    broken = tmp_path_factory.mktemp("bin") / "broken"
    broken.write_text("#!/bin/sh\necho no display >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr(pdf, "BROWSERS", (str(broken),))
    with pytest.raises(build.BuildError, match=r"did not print .*: no display"):
        pdf.print_book(small_book.folder, preset="smoke")
    assert not (small_book.folder / "_build" / "book.pdf").exists()
