"""The judges of K5 to K7, K17 to K24, K29 and K30 give the right verdict on records whose answer is known."""

import itertools
import re

import numpy as np
import pytest
import xarray as xr

from lib.claims import CLAIMS, complexity_and_error, complexity_plane, judges, reproducibility, weight_laws
from lib.claims._deep_network import turn
from lib.claims.weight_laws import PRUNED, pruned
from lib.experiments.deep_mlp import DECAYS, LABELLINGS, NORMS, SMALLER, crossed_name
from lib.measures.complexity import complexity_entropy
from lib.measures.histogram import histogram

from .deep_record import EPOCHS, hump, level, network, record

MINE = ["K5", "K6", "K7", *(f"K{number}" for number in range(17, 31))]
CONTROLS = ("no weight decay", "no batch norm", "random labels", "half rate")


def judged(claim, *networks):
    return judges()[claim].function(record(*networks))


def both(seeds=3, **changes):
    """Return the text's two networks, alike."""
    return [network(name, seeds, **changes) for name in ("MNIST", "CIFAR-10")]


def controls(*kinds, seeds=1, **changes):
    return [network(f"MNIST, {kind}", seeds, **changes) for kind in kinds]


# -- K17, K18: the turn of the whole network --------------------------------------------------------------------------


def test_a_turn_about_epoch_ten_that_random_labels_have_not_is_reproduced():
    result = judged("K17", network(entropy=hump(10)), *controls(*CONTROLS, entropy=hump(30)))
    assert result.verdict == "reproduced"
    assert result.effect == pytest.approx(10, abs=1)
    assert len(result.conditions) == 8
    assert result.holds_in_control is False
    assert "random labels 4 of 4" in result.control  # they turn back too, but later


def test_a_turn_under_random_labels_too_is_not_because_of_learning():
    result = judged("K17", network(entropy=hump(10)), *controls(*CONTROLS, entropy=hump(10)))
    assert result.verdict == "partly"
    assert result.holds_in_control


@pytest.mark.parametrize("curve", [hump(30), level(10), EPOCHS / 25], ids=["late", "levels off", "rises"])
def test_another_course_is_not_reproduced(curve):
    result = judged("K17", network(entropy=curve))
    assert result.verdict == "not reproduced"


def test_seeds_that_turn_apart_do_not_decide():
    result = judged("K17", network(entropy=lambda part, seed: hump([5, 10, 15][seed])))
    assert result.verdict == "partly"
    assert {condition.passes for condition in result.conditions} == {None}


def test_one_seed_is_at_most_partly_and_says_so():
    result = judged("K17", network(seeds=1), *controls(*CONTROLS, entropy=hump(30)))
    assert result.verdict == "partly"
    assert result.interval is None
    assert "One seed in 8 of 8 conditions: no interval." in result.text
    assert "1 seed: no interval" in result.conditions[0].note


def test_crossed_factors_are_counted_level_by_level():
    """Complexity turns back with Adam's decay alone, under all four rules: batch norm and labels make no difference."""
    crossed = [
        network(crossed_name(SMALLER.name, *kinds), entropy=level(10) if kinds[0] else hump(10))
        for kinds in itertools.product(DECAYS, NORMS, LABELLINGS)
    ]
    text = judged("K17", network(), *crossed).text
    assert (
        "Crossed on MNIST, 6 x 256 (12 of 12 combinations under 4 rules) complexity turns back: Adam's weight "
        "decay 16 of 16, no weight decay 0 of 16, AdamW 0 of 16, batch norm 8 of 24, no batch norm 8 of 24, true "
        "labels 8 of 24, random labels 8 of 24." in text
    )
    assert "Crossed" not in judged("K18", *both(), *crossed).text
    assert "Crossed" not in judged("K17", network(), network(SMALLER.name)).text  # nothing is crossed yet


def test_missing_controls_are_named():
    result = judged("K17", network())
    assert result.verdict == "partly"
    assert "Not run: MNIST, no weight decay" in result.text


def test_each_data_set_has_its_own_row():
    assert judged("K18", network()) is None
    result = judged("K18", network("CIFAR-10"))
    assert result.verdict == "reproduced"  # the text's controls are those of MNIST
    assert "no control was run" in result.control


def test_rules_that_differ_are_partly():
    data = record(network(entropy=hump(10)), *controls(*CONTROLS, entropy=hump(30)))
    flat = data["rule"].isin(["fixed"])
    data["entropy"] = data["entropy"].where(~flat, data["entropy"].isel(epoch=-1))
    result = judges()["K17"].function(data)
    assert result.verdict == "partly"
    assert [c.passes for c in result.conditions if c.name.endswith("fixed")] == [False, False]


def test_a_turn_needs_more_than_two_standard_errors_over_seeds():
    # each curve turns back smoothly by 0.4, but their heights in the end scatter by more
    ends = np.array([-1.0, 0.0, 1.0])[:, None] * (EPOCHS / 50) ** 4 + hump(10, 0.01)
    assert not turn(ends).interior
    assert turn(np.stack([hump(10, 0.01)] * 3)).interior
    assert turn(hump(10)[None]).interior
    assert not turn(np.stack([hump(10), level(10)])).interior


def test_a_gaussian_of_growing_spread_in_the_same_range_is_named_as_the_control():
    # over fixed bins the entropy of a Gaussian rises with its spread: complexity follows from the spread alone
    data = record(network())
    data["sd"] = data["sd"] * 0 + xr.DataArray(0.01 + 0.2 * EPOCHS / 50, dims="epoch")
    note = next(c.note for c in judges()["K17"].function(data).conditions if c.name.endswith("hidden matrices, fixed"))
    assert "gaussian of equal spread: " in note


# -- K19, K29, K30 ----------------------------------------------------------------------------------------------------


def late_layers(number):
    """Layers from `number` on turn back at epoch 40 only."""
    return lambda part, seed: hump(40 if part.isdigit() and int(part) >= number else 10)


def test_twelve_of_sixteen_layers_are_enough():
    other = controls(*CONTROLS, seeds=3, entropy=level(10) + 0.01 * EPOCHS)
    assert judged("K19", *both(entropy=late_layers(13)), *other).verdict == "reproduced"
    result = judged("K19", *both(entropy=late_layers(12)), *other)
    assert result.verdict == "not reproduced"
    assert result.effect == pytest.approx(11 / 16)


def test_layers_that_turn_under_random_labels_too():
    result = judged("K19", *both(), *controls(*CONTROLS))
    assert result.holds_in_control is None  # there are no random labels on CIFAR-10
    assert result.conditions[0].holds_in_control
    assert result.verdict == "partly"


def test_he_normal_is_judged_beside_he_uniform():
    assert judged("K29", *both()) is None
    result = judged("K29", network(entropy=hump(20)), network("MNIST, He-normal", 1))
    assert result.text.startswith("The text gives no result")
    epoch = result.conditions[0]
    assert epoch.passes
    assert epoch.control == pytest.approx(20, abs=1)
    assert epoch.effect == pytest.approx(10, abs=1)
    assert result.verdict == "partly"
    assert judged("K29", network("MNIST, He-normal", 3, entropy=hump(40))).verdict == "not reproduced"


def test_linear_network_is_judged_by_k17_and_k8():
    def falling(part, seed):
        """Entropies whose steps shrink with depth after training, and are even before."""
        depth = int(part) if part.isdigit() else 0
        return np.where(EPOCHS > 0, 8 - 4 / (depth + 1), 8 - 0.1 * depth)

    assert judged("K30", network()) is None
    result = judged("K30", network("MNIST, linear", 3, entropy=falling, test_error=0.08 + 0 * EPOCHS))
    ratios = [c for c in result.conditions if c.name.endswith("ratio of |dH|")]
    assert [c.passes for c in ratios] == [True, True]
    assert [c.holds_in_control for c in ratios] == [False, False]
    assert ratios[0].control == pytest.approx(1, rel=0.01)
    assert "1 of 1 lie at 0.91 to 0.93" in result.control
    assert result.text.startswith("The text gives no result")


# -- K20 to K22 -------------------------------------------------------------------------------------------------------


def test_an_early_knee_is_reproduced_and_a_late_one_not():
    assert judged("K20", *both()).verdict == "reproduced"
    slow = np.exp(-EPOCHS / 20)
    result = judged("K20", *both(train_error=slow, train_off_error=slow))
    assert result.verdict == "not reproduced"
    assert result.effect > 10
    assert judged("K20", *both(train_error=slow)).verdict == "partly"


def test_peak_and_knee_at_the_same_epoch_and_moving_together():
    exponential = np.exp(-EPOCHS / 4.3)  # knee at 10
    early = {"entropy": hump(10), "train_error": exponential, "train_off_error": exponential}
    later = np.exp(-EPOCHS / 8.6)
    late = {"entropy": hump(19), "train_error": later, "train_off_error": later}
    moved = controls("no weight decay", "half rate", seeds=3, **late)
    assert judged("K21", *both(**early), *moved).verdict == "reproduced"
    apart = controls("no weight decay", "half rate", seeds=3, **(late | {"entropy": hump(40)}))
    assert judged("K21", *both(**early), *apart).verdict == "partly"
    assert judged("K21", *both(**(early | {"entropy": hump(30)})), *moved).verdict == "not reproduced"
    assert judged("K21", *both(**(early | {"entropy": level(10)}))).verdict == "not reproduced"


def test_an_error_that_never_falls_has_no_knee():
    flat = 0.9 + 0 * EPOCHS
    assert judged("K21", network(train_error=flat, train_off_error=flat)) is None


def test_falls_that_slow_away_from_the_peak_beyond_the_epoch():
    rng = np.random.default_rng(1)

    def wandering(part, seed):
        return 2 + 0.3 * np.cumsum(np.random.default_rng(seed).standard_normal(51)) / 7

    def error(seed):
        # falls fast wherever complexity is near its peak, whatever the epoch
        curve = np.convolve(np.pad(wandering("", seed), 1, mode="edge"), np.ones(3) / 3, mode="valid")
        step = 0.02 * np.exp(-6 * (curve.max() - curve))
        return 0.9 - np.cumsum(step) + 1e-6 * rng.standard_normal(51)

    null = controls("random labels", seeds=5, train_error=lambda seed: 0.9 + 0.01 * rng.standard_normal(51))
    result = judged("K22", *both(5, entropy=wandering, train_error=error), *null)
    assert result.effect < -0.5
    assert result.conditions[0].passes
    assert result.verdict == "reproduced"


def test_any_monotone_curve_does_not_pass_given_the_epoch():
    result = judged("K22", *both(5, entropy=hump(1)))
    assert result.conditions[0].effect < -0.9
    assert result.verdict == "not reproduced"


# -- K23, K24 ---------------------------------------------------------------------------------------------------------


def test_lower_entropy_and_lower_disequilibrium_in_the_end():
    assert judged("K23", *both(entropy=hump(10), disequilibrium=hump(10) / 4)).verdict == "reproduced"
    rising = judged("K23", *both(entropy=hump(10, 0.03), disequilibrium=0.5 + 0.001 * EPOCHS))
    assert rising.verdict == "not reproduced"
    assert rising.effect > 0
    assert judged("K23", *both(entropy=EPOCHS / 25)).verdict == "not reproduced"


@pytest.mark.parametrize(("at", "verdict"), [(27, "reproduced"), (10, "not reproduced"), (45, "not reproduced")])
def test_an_optimum_between_epochs_20_and_35(at, verdict):
    result = judged("K24", *both(entropy=hump(at), disequilibrium=0.3 * hump(at)))
    assert result.verdict == verdict


# -- K5 to K7 ---------------------------------------------------------------------------------------------------------


def test_pruning_ends_at_a_single_bin_in_closed_form():
    edges = np.linspace(-1, 1, 257)
    found = pruned(np.full(256, 1 / 256), edges).complexity
    share = PRUNED[7]
    p = np.full(256, (1 - share) / 256)
    p[128] += share  # [0, 1/128)
    assert found[7] == pytest.approx(float(complexity_entropy(p).complexity))
    assert found[0] == pytest.approx(0, abs=1e-12)
    assert found[-1] < 0.03
    assert found.max() > 1
    rng = np.random.default_rng(3)
    w = rng.standard_normal(100_000)
    shares = histogram(w, 256).probabilities
    w[: int(PRUNED[10] * w.size)] = 0
    direct = complexity_entropy(histogram(w, 256).counts).complexity
    assert pruned(shares, histogram(w, 256).edges).complexity[10] == pytest.approx(float(direct), rel=0.01)


def test_complexity_is_neither_low_nor_high_at_both_ends():
    result = judged("K5", *both())
    assert result.verdict == "partly"
    assert [condition.passes for condition in result.conditions] == [True, False, False, False, False]
    assert [condition.seeds for condition in result.conditions] == [0, 0, 0, 3, 3]
    assert judged("K5", network("other")).verdict == "partly"  # closed forms need no network


def test_log_normal_weights_are_recognised():
    def log_normal(generator, layer, epoch):
        return 0.02 * np.exp(generator.standard_normal(2000)) * generator.choice([-1, 1], 2000)

    assert judged("K7", network(seeds=1, weights=log_normal)).verdict == "not reproduced"
    result = judged("K7", network(seeds=1))
    assert result.verdict == "partly"
    assert result.effect > 0.1
    assert result.holds_in_control  # initial weights are no more log-normal

    def only_later(generator, layer, epoch):
        return log_normal(generator, layer, epoch) if epoch == 0 else 0.05 * generator.standard_normal(2000)

    assert judged("K7", network(seeds=1, weights=only_later)).holds_in_control is False


def test_weights_that_the_fits_leave_out_are_counted_and_judged_beside():
    def nearly_all_gone(generator, layer, epoch):
        weights = 0.05 * generator.standard_normal(2000)
        return np.where(np.arange(2000) < 1500 * (epoch > 0), 0, weights)

    result = judged("K7", network(seeds=1, weights=nearly_all_gone))
    assert result.effect > 0.1  # of the weights that are left
    assert re.search(
        r"it holds on MNIST 75 % of a layer's weights, and with it log-normal is worse in 0 of", result.text
    )


def test_complexity_that_shows_accuracy_only_by_the_epoch():
    accuracy = {"test_error": lambda seed: 0.9 - 0.01 * EPOCHS}
    result = judged("K6", *both(entropy=1 + EPOCHS / 25, **accuracy))
    assert result.effect == pytest.approx(1)
    assert result.verdict == "partly"
    assert result.holds_in_control
    assert judged("K6", *both(entropy=2 - EPOCHS / 50, **accuracy)).verdict == "not reproduced"


def test_complexity_that_shows_accuracy_beyond_the_epoch():
    def noise(seed):
        return 0.3 * np.random.default_rng(seed).standard_normal(51)

    def better(seed):
        return 0.5 - 0.005 * EPOCHS - 0.2 * noise(seed) - 0.02 * seed

    def complex_(part, seed):
        return 2 + EPOCHS / 25 + noise(seed) + 0.2 * seed

    null = controls("random labels", seeds=5, test_error=lambda seed: 0.9 + noise(seed + 50) / 10)
    wide = network("MNIST, 6 x 256", 10, entropy=complex_, test_error=better)
    result = judged("K6", *both(5, entropy=complex_, test_error=better), *null, wide)
    assert result.verdict == "reproduced"
    over_seeds = [c for c in result.conditions if c.name.endswith("over seeds")]
    assert len(over_seeds) == 12
    assert all(condition.passes for condition in over_seeds)


# -- all --------------------------------------------------------------------------------------------------------------


def test_every_row_has_a_judge():
    modules = {module.__name__ for module in (complexity_and_error, complexity_plane, reproducibility, weight_laws)}
    assert {judges()[claim].function.__module__ for claim in MINE} == modules
    assert set(MINE) <= set(CLAIMS)


@pytest.fixture
def smoke(smoke_record):
    """Return a small real record, and the same with its networks under the text's names."""
    found = smoke_record("deep_mlp")
    names = [str(name).replace("digits", "MNIST") for name in found["network"].values]
    return found, found.assign_coords(network=names)


@pytest.mark.parametrize("claim", MINE)
def test_judges_read_what_the_experiment_gives(claim, smoke):
    other, named = smoke
    if claim != "K5":  # closed forms need no network
        assert judges()[claim].function(other) is None
    result = judges()[claim].function(named)
    if result is not None:
        assert np.isfinite(result.effect)
        assert result.verdict in ("partly", "not reproduced")
        assert max(condition.seeds for condition in result.conditions) == 2


def test_judges_that_need_more_epochs_than_there_are_say_nothing(smoke):
    silent = {claim for claim in MINE if judges()[claim].function(smoke[1]) is None}
    assert silent == {"K18", "K20", "K22", "K24", "K25", "K26", "K27", "K28", "K29", "K30"}
