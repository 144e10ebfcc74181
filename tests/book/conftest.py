"""What the tests of the built book share: a browser that cannot reach the network."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"))), ""
)
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Yield the system's Chromium under playwright's control."""
    if not CHROMIUM:
        pytest.skip("No chromium or google-chrome on PATH: install one to run the browser tests.")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Visit:
    """A tab without network, and what went wrong in it."""

    def __init__(self, tab: Any, book: Path) -> None:
        self.tab, self.book = tab, book
        self.complaints: list[str] = []
        tab.on("requestfailed", lambda request: self.complaints.append(f"request failed: {request.url[:200]}"))
        tab.on("pageerror", lambda error: self.complaints.append(f"script failed: {error}"))
        tab.on("console", lambda said: said.type == "error" and self.complaints.append(f"console: {said.text}"))

    def open(self, page: str) -> Any:
        """Open a page of the book from its file and wait until its formulas are set."""
        self.tab.goto((self.book / f"{page}.html").as_uri() if "?" not in page else f"{self.book.as_uri()}/{page}")
        self.tab.evaluate("() => window.MathJax?.startup?.promise")
        return self.tab


@pytest.fixture
def visit(chromium: Any, book: Path) -> Iterator[Visit]:
    """Yield a fresh tab in which every request that is not for a file is aborted."""
    # Without motion colours do not fade from theme to theme: what is measured is what a reader sees in the end.
    context = chromium.new_context(viewport={"width": 1400, "height": 1000}, reduced_motion="reduce")
    local = ("file:", "data:", "blob:")
    context.route("**/*", lambda route: route.continue_() if route.request.url.startswith(local) else route.abort())
    yield Visit(context.new_page(), book)
    context.close()
