"""The table of bounds for one layer: what is asked, and that it is done."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lib.experiments import pattern_bounds
from lib.experiments.pattern_bounds import PRESETS, requests


def test_every_request_is_answered(smoke_record):
    record = smoke_record("pattern_bounds")
    config = PRESETS["smoke"]
    asked = list(requests(config, layers=10))
    orders = sum(request.orders for request in asked)
    assert record.sizes["estimate"] == orders + len(config.images)  # and the collision entropies
    assert set(record["study"].values) == {"budget", "samples", "folds", "groups", "orders", "coincidences"}
    bounds = record["study"].values != "coincidences"
    assert np.isfinite(record["bits"].values[bounds]).all()
    assert (record["seconds"].values[bounds] > 0).all()
    assert (record["samples"].values == record["images"].values * config.patches).all()


def test_layers_are_asked_for_by_two_methods():
    config = replace(PRESETS["paper"])
    asked = [request for request in requests(config, layers=28) if request.study == "layers"]
    assert len(asked) == 56
    assert {request.method for request in asked} == {"autoregressive", "xgboost"}


def test_the_same_patterns_are_read_twice(smoke_record):
    """At the same size, seed and folds two studies find the same."""
    record = smoke_record("pattern_bounds")
    table = record.to_dataframe() if "seed" not in record.dims else record.drop_dims("seed").to_dataframe()
    default = table[(table.hidden == 0) & (table.grouped == 1) & (table.folds == 2) & (table.order == 0)]
    default = default[(default.method == "xgboost") & (default["draw"] == 0)]
    for _, alike in default.groupby("images"):
        assert alike["bits"].nunique() == 1


def test_too_many_images_are_refused():
    config = replace(PRESETS["smoke"], images=(10, 20, 30, 2_000))
    with pytest.raises(ValueError, match="has 1,437 train images, not 2,000"):
        pattern_bounds.run(config, device=torch.device("cpu"), progress=lambda share, text: None)
