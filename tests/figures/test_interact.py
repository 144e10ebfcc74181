"""One slider, two lives: frames for the page, a widget for a live reader, never the second where the first belongs."""

from __future__ import annotations

import base64
import io
import sys
import types

import ipywidgets
import nbformat
import numpy as np
import pytest
from bs4 import BeautifulSoup
from matplotlib import pyplot as plt
from nbclient import NotebookClient
from PIL import Image

from lib.figures import interact
from lib.figures.interact import Explorer, explore


def draw(level: float):
    figure, ax = plt.subplots(figsize=(3, 2), dpi=50)
    ax.fill_between([0, 1], 0, [level, level])
    ax.set_ylim(0, 10)
    return figure


def frames(**changes) -> Explorer:
    settings = {"name": "level", "values": [1, 5, 9], "label": "level (mm)", "alt": "A block up to {value} mm."}
    return explore(draw, **{**settings, **changes})


@pytest.fixture
def page() -> BeautifulSoup:
    return BeautifulSoup(frames(start=5)._repr_html_(), "html.parser")


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that this process is the kernel of a notebook opened in JupyterLab."""
    monkeypatch.delenv("BOOK_BUILD", raising=False)
    monkeypatch.setenv("JPY_SESSION_NAME", "/chapters/01-perceptron.ipynb")
    shell = types.SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))


def test_every_value_has_its_picture_and_its_words(page: BeautifulSoup) -> None:
    images = page.select("img")
    assert [image["alt"] for image in images] == [f"A block up to {level} mm." for level in (1, 5, 9)]
    assert [image["data-value"] for image in images] == ["1", "5", "9"]
    assert [image.has_attr("hidden") for image in images] == [True, False, True]
    blue = []
    for image in images:
        with Image.open(io.BytesIO(base64.b64decode(image["src"].split(",")[1]))) as picture:
            assert picture.size == (300, 200)  # two pixels for each of the page
            pixels = np.asarray(picture.convert("RGB")).astype(int)
            blue.append(int((pixels[..., 2] > pixels[..., 0] + 50).sum()))
        assert (image["width"], image["height"]) == ("150", "100")
    assert blue[0] < blue[1] < blue[2], "each frame shows its own value"


def test_slider_is_labelled_and_starts_where_it_should(page: BeautifulSoup) -> None:
    slider = page.select_one("input[type=range]")
    assert (slider["min"], slider["max"], slider["value"], slider["aria-valuetext"]) == ("0", "2", "1", "5")
    assert page.select_one("label")["for"] == slider["id"] == "explore-level"
    assert page.select_one("label").get_text() == "level (mm)"
    assert page.select_one("output").get_text() == "5"


def test_page_needs_nothing_from_elsewhere(page: BeautifulSoup) -> None:
    assert not page.select("script[src], link, iframe")
    assert all(image["src"].startswith("data:image/png;base64,") for image in page.select("img"))


def test_same_input_same_page() -> None:
    assert frames()._repr_html_() == frames()._repr_html_()


def test_words_are_escaped() -> None:
    html = frames(label='"a" < b', alt=lambda level: f'<b>"{level}"</b>')._repr_html_()
    assert "<b>" not in html
    assert BeautifulSoup(html, "html.parser").select_one("img")["alt"] == '<b>"1"</b>'


def test_values_are_written_as_asked() -> None:
    explorer = frames(values=[0.1, 0.01], text="{:.0e}".format)
    assert [frame.text for frame in explorer.frames] == ["1e-01", "1e-02"]
    assert explorer.frames[1].alt == "A block up to 1e-02 mm."


def test_figures_are_closed() -> None:
    before = plt.get_fignums()
    frames()
    assert plt.get_fignums() == before


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": "Level 1"}, "name 'Level 1' must be small letters"),
        ({"values": [1]}, "needs at least two values to move between, not 1"),
        ({"start": 4}, "cannot start at 4, which is not among its values"),
        ({"alt": " "}, "has no alt text at 1"),
    ],
)
def test_misuse_is_named(changes: dict, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        frames(**changes)


def test_draw_must_return_figures_of_one_size() -> None:
    with pytest.raises(TypeError, match="must return a matplotlib figure, not NoneType"):
        explore(lambda _: None, name="nothing", values=[1, 2], label="x", alt="Nothing.")
    with pytest.raises(ValueError, match="have 2 sizes"):
        explore(lambda k: plt.figure(figsize=(k, 1)), name="grows", values=[1, 2], label="x", alt="It grows.")


@pytest.mark.usefixtures("live")
def test_live_reader_gets_a_widget_without_output() -> None:
    box = frames(start=5)
    slider, picture = box.children
    assert isinstance(slider, ipywidgets.SelectionSlider)
    assert isinstance(picture, ipywidgets.HTML)
    assert "A block up to 5 mm." in picture.value
    slider.index = 2
    assert "A block up to 9 mm." in picture.value
    slider.close_all()


@pytest.mark.usefixtures("live")
def test_no_widget_under_a_build_even_with_a_front_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOK_BUILD", "1")
    monkeypatch.setitem(sys.modules, "ipywidgets", None)  # importing it would fail
    assert isinstance(frames(), Explorer)


def test_no_widget_without_a_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BOOK_BUILD", raising=False)
    for sign in interact.LIVE_FRONT_ENDS:
        monkeypatch.setenv(sign, "1")
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: None))
    assert isinstance(frames(), Explorer)


def test_an_executed_notebook_holds_frames_and_no_widget(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    """In a real kernel under a build, with all signs of a front end leaking into its environment."""
    for sign in (*interact.LIVE_FRONT_ENDS, "BOOK_BUILD"):
        monkeypatch.setenv(sign, "1")
    source = (
        "from matplotlib import pyplot as plt\n"
        "from lib.figures.interact import explore\n"
        "explore(lambda k: plt.figure(figsize=(k // k, 1)), name='k', values=[1, 2], label='k', alt='An empty frame.')"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    (output,) = notebook.cells[0].outputs
    assert set(output.data) == {"text/plain", "text/html"}
    assert output.data["text/plain"] == "Explorer('k', 2 frames over 'k')"


@pytest.mark.parametrize(
    ("start", "expected", "at"), [(None, ["0", "5"], 0), (2, ["0", "2", "5"], 1), (5, ["0", "5"], 1)]
)
def test_at_preset_smoke_only_a_few_frames_are_drawn(start, expected, at, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOK_PRESET", "smoke")
    explorer = frames(values=range(6), start=start)
    assert [frame.text for frame in explorer.frames] == expected
    assert explorer.start == at
