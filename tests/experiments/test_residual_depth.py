"""Residual networks by depth: states, controls, joined depths."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lib import experiments
from lib.experiments import residual_depth
from lib.experiments._residual import FEW_DIGITS, shuffled_pixels
from lib.experiments.residual_depth import STATES, Config


def test_every_state_has_every_layer(smoke_record):
    record = smoke_record("residual_depth")
    assert list(record["state"].values) == list(STATES)
    assert record.sizes["layer"] == 10  # of ResNet-20: the first convolution and nine cells
    assert record["block"].isel(depth=0, state=0, seed=0).values.tolist() == [1, 2, 2, 2, 3, 3, 3, 4, 4, 4]
    assert record["units"].isel(depth=0, state=0, seed=0).values.tolist() == [16] * 4 + [32] * 3 + [64] * 3
    config = residual_depth.PRESETS["smoke"]
    assert (record["patterns"] == config.images * config.patches).all()
    assert np.isnan(record["branch_linearity"].isel(layer=0)).all()
    for name in ("linearity", "accuracy", "relative_depth"):
        assert record[name].min() >= 0
        assert record[name].max() <= 1
    assert (record["effective_dimension"] <= record["units"]).all()


def test_where_a_layer_has_no_more_channels_none_is_drawn(smoke_record):
    """Sixteen channels of sixteen are all of them."""
    record = smoke_record("residual_depth")
    first = record.isel(layer=slice(0, 4))
    np.testing.assert_allclose(first["sampled_dimension"], first["effective_dimension"], rtol=1e-6)


def test_training_is_seen_in_the_accuracy(smoke_record):
    accuracy = smoke_record("residual_depth")["accuracy"].mean(("depth", "seed"))
    assert accuracy.sel(state="trained") > 0.3
    assert accuracy.sel(state="untrained") < 0.3


def test_shuffled_pixels_are_those_of_the_image():
    images = torch.randint(0, 256, (3, 3, 4, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    found = shuffled_pixels(images, 0)
    assert not torch.equal(found, images)
    colours = images.flatten(2).transpose(1, 2).tolist()
    for image, before in zip(found.flatten(2).transpose(1, 2).tolist(), colours, strict=True):
        assert sorted(image) == sorted(before)


def test_depths_join_with_what_is_missing_left_out():
    config = Config(FEW_DIGITS, depths=(32, 20), images=20, patches=2, draws=2, seeds=(0,), method="plugin")
    experiment = experiments.get("residual_depth")
    parts = [experiment.run(piece, device=torch.device("cpu")) for piece in experiment.pieces(config)]
    joined = residual_depth.join_pieces(parts)
    assert list(joined["depth"].values) == [20, 32]
    assert np.isfinite(joined["units"].sel(depth=20)).sum("layer").max() == 10
    assert np.isfinite(joined["units"].sel(depth=32)).sum("layer").max() == 16
    assert joined["effective_dimension"].attrs["units"] == "1"


def test_too_many_images_are_refused():
    config = replace(residual_depth.PRESETS["smoke"], images=361)
    with pytest.raises(ValueError, match="has 360 test images, not 361"):
        residual_depth.run(config, device=torch.device("cpu"), progress=lambda share, text: None)
