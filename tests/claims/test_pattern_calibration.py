"""The judges of J37, J39 and J40 give the right verdict on records whose answer is known."""

import math

import numpy as np
import pytest
import xarray as xr

from lib.claims import judges
from lib.claims import pattern_calibration as calibration
from lib.data.exact import SYSTEMS
from lib.experiments.pattern_calibration import BOUNDING, LATTICE, REGIMES, SPARSE

SEEDS, SIZES, UPDATES = 5, (2_000, 20_000), (0, 24)
METHODS = (*BOUNDING, "plugin")
NAMES = (LATTICE, SPARSE)
TRUTH = np.array([SYSTEMS[name].bits for name in NAMES])
NOISE = np.random.default_rng(0).normal(0, 0.2, SEEDS)


def made(excess=0.5, leak=-2.0, error=0.02, seconds=(1.0, 8.0, 2.0, 0.1), sparse=None, seeds=SEEDS):
    """Make a record: excess in bits, of systems x methods or of all; leak of split folds by method; seconds by method.

    `sparse` holds the bits that methods give for the sparse population.
    """
    shape = (len(NAMES), len(METHODS), len(SIZES), SEEDS)
    above = np.broadcast_to(np.asarray(excess, dtype=float).reshape((*np.shape(excess), 1, 1, 1, 1)[:4]), shape)
    bits = TRUTH[:, None, None, None] + above + error * NOISE
    bits[:, METHODS.index("plugin")] = np.log2(SIZES)[:, None]
    if sparse is not None:
        bits[1, : len(sparse)] = np.asarray(sparse)[:, None, None] * (1 + 1e-4 * NOISE)
    split = np.full((len(UPDATES), len(METHODS), SEEDS), np.nan)
    split[:, :3] = TRUTH[0] + np.broadcast_to(np.asarray(leak, dtype=float).reshape(-1, 1), (3, SEEDS)) + error * NOISE
    time = np.asarray(seconds)[:, None] * np.ones(SEEDS)
    record = xr.Dataset(
        {
            "bits": (("system", "estimator", "samples", "seed"), bits),
            "standard_error": (("system", "estimator", "samples", "seed"), np.full(shape, error)),
            "seconds": (("system", "estimator", "samples", "seed"), np.broadcast_to(time[None, :, None], shape).copy()),
            "truth": ("system", TRUTH),
            "split_bits": (("updates", "estimator", "seed"), split),
            "grouped_bits": (("updates", "estimator", "seed"), np.where(np.isnan(split), np.nan, TRUTH[0] + 1)),
            "grouped_error": (("updates", "estimator", "seed"), np.full(split.shape, error)),
            "recording_bits": (("estimator", "seed"), bits[1, :, 0].copy()),
            "recording_seconds": (("estimator", "seed"), time),
            "order_bits": (("ordered", "estimator", "order", "seed"), bits[:1].copy()),
            "regime_bits": (("regime", "seed"), np.array([[0.0], [0.0], [0.0], [6.0]]) * np.ones(SEEDS)),
            "regime_linearity": (("regime", "seed"), np.array([[1.0], [0.0], [0.5], [0.5]]) * np.ones(SEEDS)),
            "ball_dimension": (("ball", "seed"), np.array([[1.0], [8.0]]) * (1 - 1e-3 * (2 + NOISE))),
        },
        coords={
            "system": list(NAMES),
            "estimator": list(METHODS),
            "samples": list(SIZES),
            "seed": np.arange(SEEDS),
            "updates": list(UPDATES),
            "ordered": [LATTICE],
            "regime": list(REGIMES),
            "ball": [1, 8],
        },
        attrs={"ball_units": 64},
    )
    return record.isel(seed=slice(seeds))


def judged(claim, record, *beside):
    return judges()[claim].function(record, *beside)


def test_the_judges_are_registered():
    for claim in ("J37", "J39", "J40"):
        assert judges()[claim].experiment == "pattern_calibration"


# -- J37


def test_a_bound_that_split_folds_break_is_reproduced():
    result = judged("J37", made())
    assert result.verdict == "reproduced"
    assert len(result.conditions) == 2 * 3 * 2 + 2 * 3
    assert result.holds_in_control is False
    assert result.effect == pytest.approx(0.5 / 0.02, rel=0.1)
    assert "autoregressive -100.0; xgboost -100.0; logistic -100.0" in result.control
    assert not any("plugin" in condition.name for condition in result.conditions)


def test_a_bound_at_the_truth_is_a_bound():
    assert judged("J37", made(excess=-0.02)).verdict == "reproduced"  # one standard error below


def test_a_method_that_falls_below_the_truth_is_found():
    excess = np.full((2, 4), 0.5)
    excess[0, 1] = -0.5
    result = judged("J37", made(excess))
    assert result.verdict == "partly"
    failed = [condition.name for condition in result.conditions if condition.passes is False]
    assert failed == [f"{LATTICE}, xgboost, n = {size:,}" for size in SIZES]
    assert failed[0] in result.measure


def test_no_bound_at_all_is_not_reproduced():
    record = made(excess=-0.5)
    record["grouped_bits"] -= 2
    assert judged("J37", record).verdict == "not reproduced"


def test_a_control_that_does_not_leak_is_said():
    result = judged("J37", made(leak=0.5))
    assert result.holds_in_control is True
    assert result.verdict == "partly"


def test_one_method_that_leaks_is_enough_for_the_control():
    result = judged("J37", made(leak=(-2.0, 0.5, 0.5)))
    assert result.holds_in_control is False
    assert result.verdict == "reproduced"
    assert "logistic 25" in result.control


def test_what_was_not_tried_is_no_condition():
    record = made()
    record["bits"].loc[{"estimator": "xgboost", "samples": 20_000}] = np.nan
    record["bits"].loc[{"estimator": "logistic", "samples": 20_000, "seed": [3, 4]}] = np.nan
    result = judged("J37", record)
    assert len(result.conditions) == 10 + 6
    assert result.verdict == "reproduced"
    assert {c.seeds for c in result.conditions if "logistic, n = 20,000" in c.name} == {3}


def test_one_seed_is_partly():
    result = judged("J37", made(seeds=1))
    assert result.verdict == "partly"
    assert "One seed in 18 of 18 conditions" in result.text


def test_a_record_of_counts_has_nothing_to_judge():
    record = made().sel(estimator=["plugin"])
    assert judged("J37", record) is None


# -- J39


def test_comparable_bits_in_less_time_are_reproduced():
    result = judged("J39", made(sparse=(13.9, 14.0, 14.1)))
    assert result.verdict == "reproduced"
    assert result.effect == pytest.approx(14.1 / 14.0, abs=1e-3)
    assert [condition.name for condition in result.conditions][::2] == [
        "n = 2,000: bits",
        "n = 20,000: bits",
        "recording, blocks of time in one fold: bits",
    ]
    assert "autoregressive 13.90" in result.conditions[0].note
    assert "0.25 times its seconds" in result.text


def test_fewer_bits_by_any_amount_pass():
    assert judged("J39", made(sparse=(13.9, 14.9, 14.0))).verdict == "reproduced"


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({"sparse": (13.9, 14.0, 14.3)}, "partly"),  # slower to bound, still faster to run
        ({"sparse": (13.9, 14.0, 14.0), "seconds": (1, 2, 8, 0)}, "partly"),
        ({"sparse": (13.9, 14.0, 14.3), "seconds": (1, 2, 8, 0)}, "not reproduced"),
    ],
)
def test_looser_or_slower_is_not(change, verdict):
    assert judged("J39", made(**change)).verdict == verdict


def test_sizes_without_both_methods_are_left_out():
    record = made(sparse=(13.9, 14.0, 14.1))
    record["bits"].loc[{"estimator": "xgboost"}] = np.nan
    record["seconds"].loc[{"estimator": "xgboost"}] = np.nan
    assert len(judged("J39", record).conditions) == 2
    record["recording_bits"].loc[{"estimator": "xgboost"}] = np.nan
    record["recording_seconds"].loc[{"estimator": "xgboost"}] = np.nan
    assert judged("J39", record) is None


def neurons(bits=(10.0, 9.9, 9.8), seconds=(3.0, 90.0, 8.0), torn=5.0):
    """One segment of each of four stimuli: bits and seconds by method, blocks whole; and torn, which does not count."""
    records = [
        {"source": "stored", "study": "methods", "stimulus": stimulus, "method": method, "grouped": grouped}
        | {"bits": (k + 1) * value if grouped else torn, "seconds": time}
        for k, stimulus in enumerate("abcd")
        for method, value, time in zip(BOUNDING, bits, seconds, strict=True)
        for grouped in (0, 1)
    ]
    return xr.Dataset({name: ("estimate", [row[name] for row in records]) for name in records[0]})


def test_neurons_of_the_visual_cortex_are_evidence_too():
    result = judged("J39", made(sparse=(13.9, 14.0, 14.0)), neurons())
    assert [condition.name for condition in result.conditions][-2:] == [
        "stored neurons, blocks of time in one fold: bits",
        "stored neurons, blocks of time in one fold: seconds",
    ]
    assert result.conditions[-2].effect == pytest.approx(9.8 / 9.9)
    assert result.conditions[-2].seeds == 4
    assert result.verdict == "reproduced"
    assert "0.990 (stored neurons: bits), 0.089 (stored neurons: seconds)" in result.control
    assert judged("J39", made(sparse=(13.9, 14.0, 14.0)), neurons(bits=(10.0, 9.9, 10.1))).verdict == "partly"


# -- J40


def test_definitions_that_hold_are_reproduced():
    result = judged("J40", made())
    assert result.verdict == "reproduced"
    assert len(result.conditions) == 3 + 2 * 2
    assert "6.00 bits" in result.control


def test_complexity_of_a_linear_layer_is_noticed():
    record = made()
    record["regime_bits"].loc[{"regime": "linear"}] = 0.1
    result = judged("J40", record)
    assert result.verdict == "partly"
    assert result.effect == pytest.approx(0.1)


def test_a_wrong_dimension_is_noticed():
    record = made()
    record["ball_dimension"] = record["ball_dimension"] * 0.9
    failed = [condition for condition in judged("J40", record).conditions if condition.passes is False]
    assert [condition.name for condition in failed] == ["k = 1, points of a ball", "k = 8, points of a ball"]


# -- what the judges share


def test_excess_is_in_standard_errors():
    record = made(excess=0.5, leak=-1.0)
    assert float(calibration.excess_in_errors(record).sel(estimator="logistic").mean()) == pytest.approx(25, abs=0.2)
    assert float(calibration.leak_in_errors(record).sel(estimator="logistic").mean()) == pytest.approx(-50, abs=0.2)


def test_orders_differ_by_percent_of_the_truth():
    record = made()
    record["order_bits"] = record["order_bits"] * 0 + TRUTH[0] * xr.DataArray([1.0, 1.02], dims="order")
    spread = calibration.spread_of_orders(record)
    assert float(spread.max()) == pytest.approx(2)
    assert math.isclose(float(spread.sel(ordered=LATTICE, estimator="xgboost")), 2, rel_tol=1e-9)


def test_smoke_records_are_judged(smoke_record):
    record = smoke_record("pattern_calibration")
    assert judged("J37", record).verdict == "partly"  # two seeds give no interval
    assert judged("J39", record) is None  # xgboost is not tried on many units
    assert judged("J40", record).effect < 0.1
