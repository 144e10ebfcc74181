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

BARE_MATHS = """() => Array.from(document.querySelectorAll(".math"))
  .filter((each) => !each.querySelector("mjx-container")).length"""

UNLOADED = """() => Array.from(document.images)
  .filter((image) => image.src && !image.naturalWidth).map((image) => image.src)"""

LOOKS_OF_FIGURES = """() => Array.from(document.querySelectorAll("article figure img"))
  .filter((image) => image.checkVisibility())
  .map((image) => [getComputedStyle(image).filter, getComputedStyle(image).backgroundColor])"""

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


def formulas_are_typeset(tab: Any, page: str) -> None:
    assert tab.evaluate(BARE_MATHS) == 0
    assert tab.locator("mjx-merror, [data-mml-node=merror]").count() == 0
    assert tab.evaluate(RAW_MATHS) == 0
    assert tab.locator("mjx-container svg").count() or page not in CHAPTERS, "a chapter has formulas"


def dark_mode_changes_the_page_and_leaves_the_figures(tab: Any) -> None:
    set_theme(tab, "light")
    assert tab.evaluate(LUMINANCE, "body") > 0.9
    set_theme(tab, "dark")
    assert tab.evaluate(LUMINANCE, "body") < 0.1
    tab.reload()
    assert tab.evaluate("document.documentElement.dataset.theme") == "dark", "the choice is kept"
    assert all(look == ["none", "rgb(255, 255, 255)"] for look in tab.evaluate(LOOKS_OF_FIGURES))


@pytest.mark.parametrize("page", PAGES)
def test_page_reads_from_its_file_without_a_network_in_light_and_dark(visit: Any, page: str) -> None:
    """All that is seen of a page as it opens: it is opened once, for a browser takes seconds to load it."""
    tab = visit.open(page)
    tab.wait_for_load_state("networkidle")
    assert visit.complaints == []
    assert tab.evaluate(UNLOADED) == []
    formulas_are_typeset(tab, page)
    following = tab.locator("a.right-next").evaluate_all("(links) => links.map((link) => link.href)")
    after = PAGES[PAGES.index(page) + 1 :][:1]
    assert following == [(visit.book / f"{each}.html").as_uri() for each in after], "the pages follow each other"
    dark_mode_changes_the_page_and_leaves_the_figures(tab)
    assert visit.complaints == []


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


def test_links_at_the_foot_and_at_the_side_lead_from_page_to_page(visit: Any) -> None:
    tab = visit.open(PAGES[0])
    for page in PAGES[1:3]:
        tab.locator("a.right-next").click()
        tab.wait_for_url(f"**/{page}.html")
    tab.locator(f"nav.bd-links a[href$='{Path(PAGES[1]).name}.html']").first.click()
    tab.wait_for_url(f"**/{PAGES[1]}.html")
    assert visit.complaints == []


def test_the_index_leads_to_the_first_page(visit: Any, book: Path) -> None:
    visit.tab.goto((book / "index.html").as_uri())
    visit.tab.wait_for_url(f"**/{PAGES[0]}.html")
    assert visit.complaints == []
