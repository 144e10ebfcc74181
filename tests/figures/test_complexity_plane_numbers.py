"""The table and the numbers of chapter 3 are those of the dataset, whichever networks are in it."""

import numpy as np
import pytest

from lib.claims.complexity_plane import crossed_turns
from lib.experiments.networks import of_network
from lib.figures import complexity_plane_numbers as numbers
from lib.figures._complexity_plane import peak_epochs


def test_table_has_a_row_for_each_network(deep_mlp, letters):
    found = numbers.table(deep_mlp)
    assert list(found.index) == list(deep_mlp["network"].values)
    error = deep_mlp["test_error"].sel(network="digits").isel(epoch=-1).mean()
    assert found.loc["digits", "test error (%)"] == f"{100 * float(error):.1f}"
    assert numbers.table(letters).loc["letters", "seeds"] == "1"


def test_numbers_are_plain_and_there_for_any_record(deep_mlp, letters):
    found, again = numbers.numbers(deep_mlp, deep_mlp), numbers.numbers(deep_mlp, letters)
    assert found.keys() == again.keys()
    assert all(type(value) in (int, float) for value in found.values())
    assert (found["seeds-live"], again["seeds-record"]) == (2, 1)
    assert found["complexity-top"] == pytest.approx(3.4, abs=0.05)


def test_numbers_set_the_control_beside_the_text_s_network(deep_mlp, letters):
    found = numbers.numbers(deep_mlp, deep_mlp)
    for key, network in (("text", "digits"), ("free", "digits, no weight decay")):
        error = of_network(deep_mlp, network)["test_error"].isel(epoch=-1).mean()
        assert found[f"error-{key}"] == pytest.approx(100 * float(error), abs=0.05)
        assert 0 <= found[f"fallen-{key}"] < 100
    assert np.isnan(numbers.numbers(deep_mlp, letters)["error-free"])  # what was not run is no number


def test_turns_are_counted_by_level(deep_mlp):
    """The smoke record under the names of the crossed networks: with decay and without, true labels, batch norm."""
    named = deep_mlp.assign_coords(network=["MNIST, 6 x 256", "MNIST, 6 x 256, no weight decay"])
    found = numbers.numbers_of_crossed(named)
    rules = deep_mlp.sizes["rule"]
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
