"""Shared by the tests of figures: nothing stays drawn; records of deep networks and of the mouse visual cortex."""

import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot as plt

from lib.experiments.estimates import rows


@pytest.fixture(autouse=True)
def close():
    """Close what a test has drawn."""
    yield
    plt.close("all")


@pytest.fixture
def cortex_record(smoke_record):
    """Return what a smoke run of the experiment on the cortex found."""
    return smoke_record("cortex")


@pytest.fixture
def cortex_studies(cortex_record):
    """Return a record with all studies: the smoke run has not all, so some of its rows are taken for them."""
    plain = rows(cortex_record, study="stimuli")
    parts = [cortex_record]
    for study, name, value in (
        ("rates", "surrogate", "thinned"),
        ("bins", "bin_width", 0.1),
        ("neurons", "neurons", 9),
    ):
        part = plain.copy(deep=True)
        part["study"] = ("estimate", [study] * part.sizes["estimate"])
        part[name] = ("estimate", [value] * part.sizes["estimate"])
        parts.append(part)
    return xr.concat(parts, "estimate", data_vars="minimal")


@pytest.fixture
def cortex_session(cortex_studies):
    """Return the same under the names of the stored session, whose entropy nobody knows."""
    names = {"natural movie": "natural_movie_one"}
    renamed = cortex_studies.copy(deep=True)
    renamed["stimulus"] = ("estimate", [names.get(name, name) for name in map(str, cortex_studies["stimulus"].values)])
    renamed["source"] = ("estimate", ["stored"] * cortex_studies.sizes["estimate"])
    renamed["truth"] = renamed["truth"] * np.nan
    return renamed


@pytest.fixture
def cortex_rise(cortex_session):
    """Return the same with a movie under which each neuron has a bit more than as recorded."""
    cortex_session["area"] = ("estimate", ["VISp"] * cortex_session.sizes["estimate"])
    movie = [
        "movie" in name and study == "stimuli"
        for name, study in zip(cortex_session["stimulus"].values, cortex_session["study"].values, strict=True)
    ]
    cortex_session["bits"] = cortex_session["bits"] + 12.0 * np.array(movie)
    cortex_session["standard_error"] = 0 * cortex_session["standard_error"] + 0.01
    return cortex_session


@pytest.fixture
def deep_mlp(smoke_record):
    """Return the smoke record of the text's deep networks."""
    return smoke_record("deep_mlp")


@pytest.fixture
def letters(deep_mlp):
    """Return one of its networks alone, with one seed, under a name that no figure knows."""
    return deep_mlp.sel(network=["digits"]).isel(seed=[1]).assign_coords(network=["letters"])
