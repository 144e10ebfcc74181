"""Shared by the tests of figures: nothing stays drawn."""

import pytest
from matplotlib import pyplot as plt


@pytest.fixture(autouse=True)
def close():
    """Close what a test has drawn."""
    yield
    plt.close("all")
