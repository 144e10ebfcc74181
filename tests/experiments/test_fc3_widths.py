"""Three-layer networks by width: stages, what is estimated for whom, joined batches."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lib import data, experiments
from lib.experiments import fc3_widths
from lib.experiments.fc3_widths import STAGES, Config, patterns
from lib.models.mlp import Architecture, MLPs

SMOKE = fc3_widths.PRESETS["smoke"]


def run(config):
    return fc3_widths.run(config, device=torch.device("cpu"), progress=lambda share, doing: None)


def test_stages_come_one_after_the_other(smoke_record):
    record = smoke_record("fc3_widths")
    assert list(record["stage"].values) == list(STAGES)
    assert list(record["width"].values) == sorted(SMOKE.widths)
    epoch = record["epoch"]
    assert (epoch.sel(stage="untrained") == 0).all()
    assert (epoch.sel(stage="last") == SMOKE.epochs).all()
    reached = record.sel(stage="target").where(epoch.sel(stage="target").notnull())
    assert (reached["epoch"] > 0).any()
    assert (reached["accuracy"].fillna(1) >= SMOKE.target).all()
    assert (record["linearity"].fillna(0.5) <= 1).all()


def test_bounds_that_cost_most_are_left_out(smoke_record):
    """After the last epoch there is none on L2."""
    record = smoke_record("fc3_widths")
    bits = record["complexity_per_unit"]
    assert bits.sel(stage="last", layer=2).isnull().all()
    assert bits.sel(stage="last", layer=1).notnull().all()
    assert bits.sel(stage="untrained").notnull().all()
    few = run(replace(SMOKE, widths=(6,), few=(1,)))
    assert few["complexity_per_unit"].sel(stage="untrained", layer=2, seed=1).notnull().all()
    assert few["complexity_per_unit"].sel(stage="untrained", layer=2, seed=0).isnull().all()
    assert few["from_fewer"].sel(seed=0).isnull().all()


def test_the_first_layer_starts_the_same_whatever_the_width(smoke_record):
    before = smoke_record("fc3_widths").sel(stage="untrained", layer=1)
    for name in ("linearity", "complexity_per_unit"):
        np.testing.assert_array_equal(before[name], before[name].isel(width=[0] * len(SMOKE.widths)))


def test_a_target_out_of_reach_has_no_reading():
    record = run(Config(**{**vars(SMOKE), "widths": (6,), "target": 0.999, "epochs": 1}))
    assert record.sel(stage="target")[["epoch", "linearity", "complexity_per_unit"]].isnull().all().to_array().all()
    assert record.sel(stage="last")["epoch"].notnull().all()


def test_batches_of_seeds_and_widths_are_joined():
    config = replace(SMOKE, widths=(12, 6), seeds_together=1)
    experiment = experiments.get("fc3_widths")
    parts = [experiment.run(batch, device=torch.device("cpu")) for batch in experiment.batches(config)]
    assert len(parts) == 4
    joined = experiment.join(parts, config)
    assert list(joined["width"].values) == [6, 12]
    assert joined["complexity_per_unit"].sizes["seed"] == 2
    assert joined.attrs["first"] == 14


def test_a_unit_is_on_where_it_gives_more_than_nothing():
    nets = MLPs(Architecture((4, 3, 5, 2), batch_norm=False), seeds=(0, 1))
    x = torch.randn(7, 4, generator=torch.Generator().manual_seed(0))
    found = patterns(nets, x, together=3)
    for z, layer in zip(found, nets.layers(x)[:-1], strict=True):
        assert torch.equal(z, layer > 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"target": 95.0}, "no share of images"), ({"images": 361}, "1,437 train and 360 test images")],
)
def test_what_cannot_be_is_refused(change, message):
    assert data.load("digits").n_test == 360
    with pytest.raises(ValueError, match=message):
        run(replace(SMOKE, **change))
