"""The built pages, read as HTML: nothing broken, nothing missing, nothing from the network."""

from __future__ import annotations

import base64
import io
import re
from functools import cache
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import numpy as np
import pytest
from bs4 import BeautifulSoup, Tag
from PIL import Image

from lib.build import ROOT, pages

PAGES = pages()
CHAPTERS = [page for page in PAGES if (ROOT / f"{page}.ipynb").exists()]
MEGABYTE = 1_000_000
LOADED = re.compile(r'<(?:script|img|iframe|source)\b[^>]*?\ssrc="([^"]*)"|<link\b[^>]*?\shref="([^"]*)"')
"""What a page loads. Found in its text, for pages of source code are many and a parser takes a second for each."""


@cache
def soup(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


@cache
def anchors(path: Path) -> frozenset[str]:
    return frozenset(map(unescape, re.findall(r'<[^>]*\sid="([^"]+)"', path.read_text(encoding="utf-8"))))


@cache
def is_file(path: Path) -> bool:
    return path.is_file()


def article(book: Path, page: str) -> Tag:
    found = soup(book / f"{page}.html").select_one("article.bd-article")
    assert found is not None, f"{page} has no text"
    return found


def prose(book: Path, page: str) -> str:
    """Text of a page without code, formulas and scripts."""
    found = article(book, page)
    left_out = {id(tag) for tag in found.select("pre, code, script, style, .math")}
    texts = found.find_all(string=True)
    return " ".join(str(text) for text in texts if not any(id(parent) in left_out for parent in text.parents))


def picture(image: Tag, page_path: Path) -> bytes:
    source = str(image["src"])
    if source.startswith("data:"):
        return base64.b64decode(source.split(",", 1)[1])
    return (page_path.parent / unquote(source)).read_bytes()


@pytest.mark.parametrize("page", PAGES)
def test_page_has_a_title_and_text(book: Path, page: str) -> None:
    heading = article(book, page).find("h1")
    assert heading is not None
    assert len(article(book, page).get_text().split()) > 20


@pytest.mark.parametrize("page", PAGES)
def test_no_cell_failed_or_wrote_to_stderr(book: Path, page: str) -> None:
    broken = article(book, page).select(".cell_output .traceback, .cell_output .stderr, .problematic, .system-message")
    assert not [tag.get_text()[:300] for tag in broken]
    outputs = " ".join(tag.get_text() for tag in article(book, page).select(".cell_output"))
    assert "Traceback (most recent call last)" not in outputs


@pytest.mark.parametrize("page", PAGES)
def test_figures_are_numbered_captioned_and_described(book: Path, page: str) -> None:
    for figure in article(book, page).find_all("figure"):
        number, caption = figure.select_one(".caption-number"), figure.select_one(".caption-text")
        assert number is not None, f"a figure without number: {str(figure)[:200]}"
        assert re.search(r"\d", number.get_text()), f"a figure without number: {str(figure)[:200]}"
        assert caption is not None, f"{number.get_text()} has no caption"
        assert len(caption.get_text().split()) >= 3, f"{number.get_text()} needs a caption that says what it shows"
        images = figure.find_all("img")
        assert images, f"{number.get_text()} shows nothing"
        for image in images:
            alt = str(image.get("alt", ""))
            assert len(alt.split()) >= 4, f"{number.get_text()} needs an alt text in a sentence, not {alt!r}"


@pytest.mark.parametrize("page", PAGES)
def test_no_picture_is_empty_or_cut_off_and_none_stands_outside_a_figure(book: Path, page: str) -> None:
    for image in article(book, page).select(".cell_output img"):
        assert image.find_parent("figure"), f"a picture outside a figure: {image.get('alt')!r}"
    for image in article(book, page).select("figure img"):
        data = picture(image, book / f"{page}.html")
        assert len(data) > 2000, f"an empty picture: {image.get('alt')!r}"
        assert len(data) < MEGABYTE, f"a picture of {len(data) / MEGABYTE:.1f} MB: {image.get('alt')!r}"
        if not str(image["src"]).endswith(".svg"):
            with Image.open(io.BytesIO(data)) as opened:
                assert min(opened.size) >= 100
                pixels = np.asarray(opened.convert("RGB"))
            assert (pixels != pixels[0, 0]).any(), "a blank picture"
            for side, edge in {
                "top": pixels[0],
                "foot": pixels[-1],
                "left": pixels[:, 0],
                "right": pixels[:, -1],
            }.items():
                assert (edge == pixels[0, 0]).all(), f"a picture cut off at the {side}: {image.get('alt')!r}"


@pytest.mark.parametrize("page", PAGES)
def test_links_and_anchors_resolve(book: Path, page: str) -> None:
    path = book / f"{page}.html"
    broken = []
    for link in soup(path).select("a[href]"):
        parts = urlsplit(str(link["href"]))
        if parts.scheme or parts.netloc:
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        to_html = target.suffix == ".html" and parts.fragment
        if not is_file(target) or (to_html and unquote(parts.fragment) not in anchors(target)):
            broken.append(str(link["href"]))
    assert not broken


def test_nothing_is_loaded_from_the_network(book: Path) -> None:
    wanted = []
    for path in book.rglob("*.html"):
        if "_static" in path.relative_to(book).parts:  # templates of the theme, not pages
            continue
        for source, link in LOADED.findall(path.read_text(encoding="utf-8")):
            address = urlsplit(unescape(source or link))
            if address.scheme in ("http", "https") or address.netloc:
                wanted.append(f"{path.name}: {address.geturl()}")
            elif not address.scheme and address.path and not is_file(path.parent / unquote(address.path)):
                wanted.append(f"{path.name}: {address.geturl()} is not there")
    assert not wanted


@pytest.mark.parametrize("page", PAGES)
def test_no_markup_is_left_over(book: Path, page: str) -> None:
    text = prose(book, page)
    left = re.findall(r"\{(?:ref|numref|eq|doc|cite|cite:[tp]|glue|glue:\w+)\}|\$\$|\[\^\w+\]|```|:::", text)
    assert not left
    for pasted in article(book, page).select(".pasted-text, .pasted-inline"):
        assert pasted.get_text().strip(" '\"") not in ("", "None", "nan", "inf"), "a number that was not computed"


@pytest.mark.parametrize("page", PAGES)
def test_pages_are_light_enough(book: Path, page: str) -> None:
    assert (book / f"{page}.html").stat().st_size < 8 * MEGABYTE


@pytest.mark.parametrize("page", PAGES)
def test_no_widget_reaches_a_page(book: Path, page: str) -> None:
    html = (book / f"{page}.html").read_text(encoding="utf-8")
    assert "vnd.jupyter.widget" not in html
    assert "require.js" not in html


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_slider_of_a_chapter_is_on_its_page(book: Path, chapter: str) -> None:
    cells = nbformat.read(ROOT / f"{chapter}.ipynb", as_version=4).cells
    calls = sum(len(re.findall(r"\bexplore\(", cell.source)) for cell in cells if cell.cell_type == "code")
    assert calls >= 1, f"{chapter} has no slider"
    sliders = article(book, chapter).select(".explore input[type=range]")
    assert len(sliders) == calls
    assert len({str(slider["id"]) for slider in sliders}) == calls


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_compared_cells_read_on_the_page_as_in_the_notebook(book: Path, chapter: str) -> None:
    """At any preset: what nbval compares holds at every size, so the page of the large run shows it too."""
    shown = " ".join(article(book, chapter).get_text().split())
    compared = 0
    for cell in nbformat.read(ROOT / f"{chapter}.ipynb", as_version=4).cells:
        if cell.cell_type == "code" and "NBVAL_CHECK_OUTPUT" in cell.source:
            for output in cell.outputs:
                text = output.get("text") or output.get("data", {}).get("text/plain", "")
                assert " ".join(text.split()) in shown
                compared += 1
    assert compared, f"{chapter} compares no output: mark a cell with NBVAL_CHECK_OUTPUT"


def test_every_finding_has_a_figure_and_a_number_with_interval_and_control(book: Path) -> None:
    found = article(book, "book/findings").select("section section section")
    assert len(found) >= 10
    for finding in found:
        title = finding.find("h3").get_text()
        assert len(finding.find_all("figure")) == 1, f"{title}: one figure"
        tables = finding.select(".claims.evidence")
        assert len(tables) == 1, f"{title}: one table"
        for number, row in enumerate(tables[0].select("tbody tr:not(.note)")):
            effect, control = (cell.get_text() for cell in row.find_all("td")[:2])
            assert re.match(r"−?\d", control), f"{title}: no number for the control of {row.th.get_text()}"
            assert number or re.search(r" \[|the same in all", effect), f"{title}: a number with its interval"
            for text in (effect, control):
                interval = re.search(r"\[(\S+), (\S+)\]", text)
                assert interval is None or interval[1] != interval[2], f"{title}: {text} is no interval"
        heading = tables[0].select("thead th")[2].get_text()
        assert heading.removeprefix("control: "), f"{title}: what the control is"
        assert finding.select('a[href*="chapters/"]'), f"{title}: no chapter says more"
