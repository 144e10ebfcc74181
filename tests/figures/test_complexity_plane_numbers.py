"""The table and the numbers of chapter 3 are those of the dataset, whichever networks are in it."""

import numpy as np
import pytest

from lib.claims.complexity_plane import crossed_turns
from lib.experiments.networks import of_network
from lib.figures import complexity_plane_numbers as numbers
from lib.figures._complexity_plane import peak_epochs


@pytest.fixture
def smoke(smoke_record):
    return smoke_record("deep_mlp")


@pytest.fixture
def other(smoke):
    """The same network alone, with one seed, under a name that no figure knows."""
    return smoke.sel(network=["digits"]).isel(seed=[1]).assign_coords(network=["letters"])


def test_table_has_a_row_for_each_network(smoke, other):
    found = numbers.table(smoke)
    assert list(found.index) == list(smoke["network"].values)
    error = smoke["test_error"].sel(network="digits").isel(epoch=-1).mean()
    assert found.loc["digits", "test error (%)"] == f"{100 * float(error):.1f}"
    assert numbers.table(other).loc["letters", "seeds"] == "1"


def test_numbers_are_plain_and_there_for_any_record(smoke, other):
    found, again = numbers.numbers(smoke, smoke), numbers.numbers(smoke, other)
    assert found.keys() == again.keys()
    assert all(type(value) in (int, float) for value in found.values())
    assert (found["seeds-live"], again["seeds-record"]) == (2, 1)
    assert found["complexity-top"] == pytest.approx(3.4, abs=0.05)


def test_numbers_set_the_control_beside_the_text_s_network(smoke, other):
    found = numbers.numbers(smoke, smoke)
    for key, network in (("text", "digits"), ("free", "digits, no weight decay")):
        error = of_network(smoke, network)["test_error"].isel(epoch=-1).mean()
        assert found[f"error-{key}"] == pytest.approx(100 * float(error), abs=0.05)
        assert 0 <= found[f"fallen-{key}"] < 100
    assert np.isnan(numbers.numbers(smoke, other)["error-free"])  # what was not run is no number


def test_turns_are_counted_by_level(smoke):
    """The smoke record under the names of the crossed networks: with decay and without, true labels, batch norm."""
    named = smoke.assign_coords(network=["MNIST, 6 x 256", "MNIST, 6 x 256, no weight decay"])
    found = numbers.numbers_of_crossed(named)
    rules = smoke.sizes["rule"]
    for key in ("adam", "free", "adam-true"):
        assert found[f"turned-{key}-of"] == rules
    assert found["turned-true-of"] == found["turned-norm-of"] == 2 * rules
    assert found["turned-adamw-of"] == found["turned-random-of"] == found["turned-adam-random-of"] == 0
    turned = {kinds: sum(rules) for kinds, rules in crossed_turns(named).items()}
    assert found["turned-true"] == sum(turned.values())
    assert found["turned-free"] == turned["no weight decay", "", ""]
    peak = peak_epochs(of_network(named, "MNIST, 6 x 256"))["epoch"].mean()
    assert found["peak-crossed-true"] == pytest.approx(float(peak), abs=0.05)
    assert np.isnan(found["peak-crossed-random"])
