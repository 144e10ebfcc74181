"""Pages executed side by side: at the same time, once, and all ended by the first that fails."""

from __future__ import annotations

import time
from pathlib import Path

import nbformat
import pytest
from jupyter_cache import get_cache
from myst_nb.core.read import myst_nb_reader_plugin

from lib import execution

MYST = """---
jupytext:
  text_representation:
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# A page

```{code-cell}
6 * 7
```
"""

WAIT_FOR = """
import time
from pathlib import Path
Path("{mine}").touch()
for _ in range(600):
    if Path("{other}").exists():
        break
    time.sleep(0.1)
else:
    raise TimeoutError("{other} never came")
"""


def notebook(path: Path, *sources: str) -> Path:
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    return path


def run(pages: list[Path], jobs: int) -> bool:
    return execution.execute(pages, pages[0].parent / "cache", timeout=100, jobs=jobs)


def test_pages_are_executed_at_the_same_time_and_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    left = notebook(tmp_path / "left.ipynb", WAIT_FOR.format(mine="left", other="right"))
    right = notebook(tmp_path / "right.ipynb", WAIT_FOR.format(mine="right", other="left"))
    assert run([left, right], jobs=2)
    said = capsys.readouterr().out
    assert f"{left}: Executed notebook in " in said
    assert f"{right}: Executed notebook in " in said

    assert run([left, right], jobs=2)
    assert capsys.readouterr().out == ""


def test_a_page_of_markdown_is_kept_where_its_reader_finds_it(tmp_path: Path) -> None:
    page, plain = tmp_path / "page.md", tmp_path / "plain.md"
    page.write_text(MYST)
    plain.write_text("# A page without code\n")
    assert run([plain, page], jobs=1)
    cache = get_cache(tmp_path / "cache")
    assert [Path(record.uri) for record in cache.list_cache_records()] == [page]
    _, executed = cache.merge_match_into_notebook(myst_nb_reader_plugin(str(page)))
    assert executed.cells[-1].outputs[0].data["text/plain"] == "42"


def test_the_first_failure_ends_the_others_and_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = notebook(tmp_path / "bad.ipynb", "1 / 0")
    endless = notebook(tmp_path / "endless.ipynb", "import time\ntime.sleep(600)")
    started = time.monotonic()
    assert not run([endless, bad], jobs=2)
    assert time.monotonic() - started < 60
    said = capsys.readouterr().out
    assert f"{bad}: WARNING: Executing notebook failed: CellExecutionError" in said
    assert "ZeroDivisionError" in said
    assert "endless.ipynb: WARNING" not in said
