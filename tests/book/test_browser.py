"""The built pages in a browser, from their files and without a network: what a reader on a train sees."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lib.build import ROOT, pages

pytestmark = pytest.mark.browser

PAGES = pages()
CHAPTERS = [page for page in PAGES if (ROOT / f"{page}.ipynb").exists()]

RAW_MATHS = r"""() => {
  const copy = document.querySelector("article.bd-article").cloneNode(true);
  copy.querySelectorAll("pre, code, script, style, mjx-container").forEach((each) => each.remove());
  return (copy.textContent.match(/\\\(|\\\[|\$\$|\\begin\{/g) || []).length;
}"""

LUMINANCE = """(selector) => {
  const seen = getComputedStyle(document.querySelector(selector)).backgroundColor.match(/[\\d.]+/g).map(Number);
  return (0.2126 * seen[0] + 0.7152 * seen[1] + 0.0722 * seen[2]) / 255;
}"""


def visible_frames(tab: Any, slider: Any) -> list[str]:
    """Alt texts of the frames that show above a slider."""
    return slider.evaluate(
        """(input) => Array.from(input.closest(".explore").querySelectorAll("img"))
             .filter((image) => image.checkVisibility()).map((image) => image.alt)"""
    )


def set_theme(tab: Any, wanted: str) -> None:
    """Press the theme button until the page is `wanted`."""
    button = tab.locator("button.theme-switch-button:visible").first
    for _ in range(3):
        if tab.evaluate("document.documentElement.dataset.theme") == wanted:
            return
        button.click()
    assert tab.evaluate("document.documentElement.dataset.theme") == wanted


@pytest.mark.parametrize("page", PAGES)
def test_page_reads_from_its_file_without_a_network(visit: Any, page: str) -> None:
    tab = visit.open(page)
    tab.wait_for_load_state("networkidle")
    assert visit.complaints == []
    unloaded = (
        "Array.from(document.images).filter((image) => image.src && !image.naturalWidth).map((image) => image.src)"
    )
    assert tab.evaluate(unloaded) == []


@pytest.mark.parametrize("page", PAGES)
def test_formulas_are_typeset(visit: Any, page: str) -> None:
    tab = visit.open(page)
    bare = (
        "Array.from(document.querySelectorAll('.math')).filter((each) => !each.querySelector('mjx-container')).length"
    )
    assert tab.evaluate(bare) == 0
    assert tab.locator("mjx-merror, [data-mml-node=merror]").count() == 0
    assert tab.evaluate(RAW_MATHS) == 0
    assert visit.complaints == []


def test_a_chapter_has_formulas(visit: Any) -> None:
    assert all(visit.open(chapter).locator("mjx-container svg").count() for chapter in CHAPTERS)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_sliders_move_with_the_keyboard_and_the_mouse(visit: Any, chapter: str) -> None:
    tab = visit.open(chapter)
    sliders = tab.locator(".explore input[type=range]")
    for k in range(sliders.count()):
        slider = sliders.nth(k)
        said = slider.locator("xpath=following-sibling::output")
        slider.focus()
        slider.press("Home")
        first, first_said = visible_frames(tab, slider), said.inner_text()
        slider.press("ArrowRight")
        second, second_said = visible_frames(tab, slider), said.inner_text()
        assert len(first) == len(second) == 1, "one frame shows at a time"
        assert first_said != second_said
        assert slider.get_attribute("aria-valuetext") == second_said
        slider.press("End")
        assert int(slider.input_value()) == tab.locator(".explore").nth(k).locator("img").count() - 1
        box = slider.bounding_box()
        tab.mouse.click(box["x"] + 3, box["y"] + box["height"] / 2)
        assert visible_frames(tab, slider) == first
        assert tab.get_by_label(slider.locator("xpath=preceding-sibling::label").inner_text()).count() >= 1
    assert visit.complaints == []


def test_search_finds_a_word_and_leads_to_its_page(visit: Any) -> None:
    tab = visit.open("search.html?q=perceptron")
    hit = tab.locator("#search-results li a").first
    hit.wait_for()
    hit.click()
    tab.wait_for_url("**/*.html*")
    assert "perceptron" in tab.locator("article.bd-article").inner_text().lower()
    assert visit.complaints == []


def test_search_opens_from_any_page(visit: Any) -> None:
    tab = visit.open(PAGES[0])
    tab.keyboard.press("Control+k")
    field = tab.locator("input[type=search]:visible").first
    field.fill("perceptron")
    field.press("Enter")
    tab.locator("#search-results li a").first.wait_for()
    assert visit.complaints == []


def test_the_pages_follow_each_other(visit: Any, book: Path) -> None:
    """From the first page to the last one by the links at the foot of each."""
    tab = visit.open(PAGES[0])
    for page in PAGES[1:]:
        tab.locator("a.right-next").click()
        tab.wait_for_url(f"**/{page}.html")
    tab.locator(f"nav.bd-links a[href$='{Path(PAGES[1]).name}.html']").first.click()
    tab.wait_for_url(f"**/{PAGES[1]}.html")
    assert visit.complaints == []


def test_the_index_leads_to_the_first_page(visit: Any, book: Path) -> None:
    visit.tab.goto((book / "index.html").as_uri())
    visit.tab.wait_for_url(f"**/{PAGES[0]}.html")
    assert visit.complaints == []


@pytest.mark.parametrize("page", PAGES)
def test_dark_mode_changes_the_page_and_leaves_the_figures(visit: Any, page: str) -> None:
    tab = visit.open(page)
    set_theme(tab, "light")
    assert tab.evaluate(LUMINANCE, "body") > 0.9
    set_theme(tab, "dark")
    assert tab.evaluate(LUMINANCE, "body") < 0.1
    tab.reload()
    assert tab.evaluate("document.documentElement.dataset.theme") == "dark", "the choice is kept"
    for image in tab.locator("article figure img:visible").all():
        look = image.evaluate("(image) => [getComputedStyle(image).filter, getComputedStyle(image).backgroundColor]")
        assert look == ["none", "rgb(255, 255, 255)"]
    assert visit.complaints == []
