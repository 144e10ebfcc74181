"""Complexity and linear regions along training: what is read, controls, the text's estimator."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lib.experiments import linear_regions
from lib.experiments.linear_regions import Network

SMOKE = linear_regions.PRESETS["smoke"]


def run(config):
    return linear_regions.run(config, device=torch.device("cpu"), progress=lambda share, doing: None)


def test_every_network_is_read_at_every_moment(smoke_record):
    record = smoke_record("linear_regions")
    assert list(record["epoch"].values) == list(SMOKE.moments)
    assert list(record["network"].values) == ["width 6", "width 8", "width 6, random labels"]
    assert (
        record[["joint_per_unit", "additive_per_unit", "regions_per_unit", "linearity"]]
        .notnull()
        .all()
        .to_array()
        .all()
    )
    assert record["learning_loss"].isel(epoch=slice(1, None)).notnull().all()


def test_the_whole_has_no_more_bits_than_its_layers(smoke_record):
    """Counted on the same images, as far as counts go."""
    record = smoke_record("linear_regions")
    assert (record["joint_per_unit"] <= record["additive_per_unit"]).all()
    assert (record["additive_per_unit"] <= record["independent_per_unit"] + 0.1).all()


def test_a_border_is_one_units(smoke_record):
    assert smoke_record("linear_regions")["single_flips"].min() == 1


def test_every_path_meets_one_region_at_least(smoke_record):
    record = smoke_record("linear_regions")
    units = 3 * record["width"]
    assert (record["regions_per_unit"] * units >= 1).all()


def test_networks_start_alike_whatever_their_labels(smoke_record):
    record = smoke_record("linear_regions").sel(epoch=0)
    true, random = (record.sel(network=name) for name in ("width 6", "width 6, random labels"))
    np.testing.assert_array_equal(true["joint_per_unit"], random["joint_per_unit"])
    np.testing.assert_array_equal(true["regions_per_unit"], random["regions_per_unit"])


def test_the_texts_estimator_is_run_on_the_seeds_that_are_to_have_it():
    networks = (Network(6), Network(6, "random"))
    record = run(replace(SMOKE, networks=networks, epochs=1, moments=(0, 1), by_the_text=(1,)))
    text = record["text_joint_per_unit"]
    assert np.isfinite(text.sel(network="width 6", seed=1))
    assert text.sel(seed=0).isnull().all()
    assert text.sel(network="width 6, random labels").isnull().all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"moments": (0, 5)}, "must be epochs from 0 to 4"),
        ({"moments": (0, 2)}, "the last among them"),
        ({"images": 361}, "360 test images, not 361"),
    ],
)
def test_what_cannot_be_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        run(replace(SMOKE, **change))
