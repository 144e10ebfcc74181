"""The built pages in a browser, from their files and without a network: what a reader on a train sees.

That every reader can is held against WCAG 2.2, A and AA, and against good practice, by axe-core 4.12.1, which comes in
axe-playwright-python 0.1.8. No page may have a barrier that axe calls serious or critical.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

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

AXE = Axe()
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RULES_OF_SIGHT = ["color-contrast", "link-in-text-block", "target-size"]
SIGHTS = {"include": [["[data-look]"], ["button"], ["input"], ["summary"]]}
UNFOLD = "() => document.querySelectorAll('details').forEach((each) => { each.open = true; })"

# Contrast depends on a few things only, which are here the key, while axe takes a minute for a page with thousands of
# texts of the same looks. Three of each are marked: one that lies under something else cannot be judged.
MARK_LOOKS = """() => {
  const grounds = new Map(), numbers = new Map(), seen = new Map();
  function ground(element) {
    if (!element) return 0;
    if (!grounds.has(element)) {
      const below = ground(element.parentElement), style = getComputedStyle(element);
      const own = [style.backgroundColor, style.backgroundImage, style.opacity].join();
      const key = `${own} on ${below}`;
      if (!numbers.has(key)) numbers.set(key, numbers.size + 1);
      grounds.set(element, own === "rgba(0, 0, 0, 0),none,1" ? below : numbers.get(key));
    }
    return grounds.get(element);
  }
  for (const element of document.body.querySelectorAll("*")) {
    const says = Array.from(element.childNodes).some((node) => node.nodeType === 3 && node.data.trim());
    if (!says || !(element instanceof HTMLElement) || !element.checkVisibility()) continue;
    const style = getComputedStyle(element), around = getComputedStyle(element.parentElement).color;
    const look = [element.tagName, style.color, style.fontSize, style.fontWeight, style.textDecorationLine, around,
                  ground(element)].join();
    seen.set(look, (seen.get(look) || 0) + 1);
    if (seen.get(look) <= 3) element.dataset.look = look;
  }
}"""

# Before axe looks for what can be seen it maps where everything lies, so what holds nothing marked is taken away.
KEEP_MARKED = """() => {
  for (const block of document.querySelectorAll("article :is(section > *, dl > *, tr):not([data-look])"))
    if (!block.querySelector("[data-look]")) block.remove();
}"""

# Elements that reach beyond the edge and lie in no box of their own that scrolls; MathML for screen readers is clipped.
CUT_OFF = """() => Array.from(document.querySelectorAll("article.bd-article *")).filter((element) => {
  if (!element.checkVisibility() || element.closest("mjx-assistive-mml, svg")) return false;
  if (element.getBoundingClientRect().right <= innerWidth + 1) return false;
  for (let box = element; box.tagName !== "ARTICLE"; box = box.parentElement)
    if (/auto|scroll/.test(getComputedStyle(box).overflowX)) return false;
  return true;
}).slice(0, 5).map((element) => element.outerHTML.slice(0, 200))"""

FOCUS = """() => {
  const element = document.activeElement, style = getComputedStyle(element), box = element.getBoundingClientRect();
  return {
    inside: document.querySelector("main").contains(element),
    html: element.outerHTML.slice(0, 200),
    id: element.id,
    marked: (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none",
    seen: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight,
  };
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


def barriers(tab: Any, where: str, options: dict[str, Any], context: dict[str, Any] | None = None) -> list[str]:
    """Run axe on a page, and say in a paragraph each what is serious in the state in which the page is."""
    # Without preload: axe would fetch the style sheets again, which a browser refuses under file://.
    found = AXE.run(tab, context, {"resultTypes": ["violations"], "preload": False, **options})
    said = []
    for rule in found.response["violations"]:
        if rule["impact"] in ("serious", "critical"):
            nodes = rule["nodes"]
            lines = [f"{rule['id']} ({rule['impact']}) at {len(nodes)} places of {where}: {rule['help']}"]
            lines += [f"  {node['target']}: {' '.join(node['failureSummary'].split())}" for node in nodes[:3]]
            said.append("\n".join(lines))
    return said


def nothing_bars_a_reader(tab: Any, page: str) -> None:
    """What axe finds: structure once, colours and sizes in both themes. Leaves but a sample of the page."""
    structure = {"runOnly": STANDARDS, "rules": {rule: {"enabled": False} for rule in RULES_OF_SIGHT}}
    found = barriers(tab, page, structure)
    for theme in ("light", "dark"):
        set_theme(tab, theme)
        tab.evaluate(MARK_LOOKS)
    tab.evaluate(KEEP_MARKED)
    for theme in ("dark", "light"):
        set_theme(tab, theme)
        found += barriers(tab, f"{page} when {theme}", {"runOnly": RULES_OF_SIGHT}, SIGHTS)
    assert not found, "\n".join(found)


def page_fits_a_phone(tab: Any) -> None:
    """Nothing but boxes that scroll by themselves is wider than a phone."""
    usual = tab.viewport_size
    tab.set_viewport_size({"width": 390, "height": 844})
    assert tab.evaluate("Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)") <= 390
    assert tab.evaluate(CUT_OFF) == []
    tab.set_viewport_size(usual)


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
    tab.evaluate(UNFOLD)
    page_fits_a_phone(tab)
    nothing_bars_a_reader(tab, page)
    dark_mode_changes_the_page_and_leaves_the_figures(tab)
    assert visit.complaints == []


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_sliders_move_with_the_keyboard_and_the_mouse(visit: Any, chapter: str) -> None:
    tab = visit.open(chapter)
    sliders = tab.locator(".explore input[type=range]")
    assert sliders.count() >= 1, f"{chapter} has no slider"
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


@pytest.mark.parametrize("page", [CHAPTERS[0], "book/ledger"])
def test_a_page_is_walked_through_with_the_keyboard_alone(visit: Any, page: str) -> None:
    tab = visit.open(page)
    tab.keyboard.press("Tab")
    assert "Skip to main content" in tab.evaluate(FOCUS)["html"]
    tab.wait_for_function(f"() => ({FOCUS})().seen")  # it slides in
    tab.keyboard.press("Enter")
    tab.keyboard.press("Tab")
    stops = [tab.evaluate(FOCUS)]
    assert stops[0]["inside"], "the link skips what comes before the text"
    while stops[-1]["inside"] and len(stops) < 2000:
        tab.keyboard.press("Tab")
        stops.append(tab.evaluate(FOCUS))
    stops.pop()
    assert [stop["html"] for stop in stops if not (stop["seen"] and stop["marked"])] == []
    sliders = tab.locator("main input[type=range]").evaluate_all("(each) => each.map((slider) => slider.id)")
    assert sliders == [stop["id"] for stop in stops if stop["id"] in sliders], "in the order of the page"
    folded = tab.locator("article details:not([open]) > summary:visible")
    assert folded.count()
    fold = folded.first.locator("xpath=..").element_handle()
    for is_open in (True, False):
        fold.query_selector("summary").press("Enter")
        assert fold.evaluate("(details) => details.open") == is_open
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


def test_the_ledger_shows_the_rows_that_are_asked_for(visit: Any) -> None:
    """By a count above the table, by the form, and again all of them; the query keeps what was asked."""
    tab = visit.open("book/ledger")
    rows = tab.locator(".claims.rows > table > tbody > tr[data-verdict]")
    total = rows.count()
    count = tab.locator(".claims.counts tbody tr").first.locator("td a").first
    number, verdict = int(count.inner_text()), "reproduced"
    count.click()
    tab.wait_for_url(f"**/ledger.html?verdict={verdict}*")
    shown = rows.locator("visible=true")
    assert shown.count() == number > 0
    assert {row.get_attribute("data-verdict") for row in shown.all()} == {verdict}
    form = tab.locator("form.claim-filters")
    form.locator("select[name=text]").select_option("N")
    assert 0 < shown.count() < number
    assert tab.url.endswith(f"?text=N&verdict={verdict}")
    assert form.locator("output").inner_text() == f"{shown.count()} of {total} claims"
    form.get_by_role("button", name="Show all").click()
    tab.wait_for_url("**/ledger.html")
    assert shown.count() == total
    form.locator("input[name=words]").fill("random walk")
    assert 0 < shown.count() < total
    for name in ("text", "kind", "verdict", "scale", "control", "chapter"):
        form.get_by_role("button", name="Show all").click()
        select = form.locator(f"select[name={name}]")
        value = select.locator("option").last.get_attribute("value")
        select.select_option(value)
        found = [str(row.get_attribute(f"data-{name}")).split() for row in shown.all()]
        assert 0 < len(found) < total or name == "scale", name
        assert all(value in each or value == " ".join(each) for each in found), name
    assert visit.complaints == []
