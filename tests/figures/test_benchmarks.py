"""The figure of the benchmarks."""

import pandas as pd
import pytest

from lib.figures import benchmarks

TABLE = pd.DataFrame(
    {"ratio": [3.0, 0.95, 40.0], "low": [2.0, 0.9, 30.0], "high": [4.0, 1.1, 60.0]},
    index=["patterns_few", "following", "training"],
)


def test_the_fastest_is_on_top_with_its_range():
    axes = benchmarks.ratios(TABLE).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["following", "patterns few", "training"]
    bars = axes.containers[0]
    assert list(bars.lines[0].get_xdata()) == [0.95, 3.0, 40.0]
    assert [tuple(segment[:, 0]) for segment in bars.lines[2][0].get_segments()] == [(0.9, 1.1), (2, 4), (30, 60)]
    assert "times faster" in axes.get_xlabel()


def test_nothing_to_draw_is_said():
    with pytest.raises(ValueError, match="No benchmark is stored: run"):
        benchmarks.ratios(TABLE.iloc[:0])
