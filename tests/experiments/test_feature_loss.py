"""The loss of features: courses, what is drawn, what is measured, clean training afterwards."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lib import experiments
from lib.data.bits import bit_strings
from lib.experiments import feature_loss
from lib.experiments._course_run import CourseRun, Draws
from lib.experiments.noise_courses import COURSES, Config, Setting, moments, optimal_prediction, setting_name
from lib.models.bit_encoder import BitEncoders

CPU = torch.device("cpu")


def ran(*settings, **options):
    config = Config(settings, **{"bits": 3, "width": 8, "after": 0, "removals": 2, "seeds": (0, 1), **options})
    return feature_loss.run(config, device=CPU, progress=lambda share, text: None)


def test_the_optimal_predictor_is_the_expected_label():
    """Counted over all 1,280 equally likely draws of the mixture with 8 bits: 256 fixed pairs and 1,024 random ones."""
    ones, draws = 256 + 4 / 2, 256 + 4
    assert optimal_prediction("pair", 8) == pytest.approx((ones / draws, 0.5))
    assert optimal_prediction("mixed 0.1", 8)[0] == pytest.approx(0.9)
    assert optimal_prediction("random", 8)[0] == pytest.approx(0.5)


def test_no_other_prediction_has_less_expected_loss():
    """The excess is that above the optimal predictor: 0 there, and what weights and squares say elsewhere."""
    setting = Setting("pair", "relu", rates=((0.1, 2),), steps=1)
    run = CourseRun(Config((setting,), bits=3, width=4, seeds=(0, 1)), setting, CPU)
    np.testing.assert_allclose(run.weights.sum(1), 1, rtol=1e-6)
    expected = run._look()["excess"]
    predicted = run.nets.predict(run.inputs)

    def loss(f):
        ones = run.weights * run.best
        return (ones * (1 - f) ** 2 + (run.weights - ones) * f**2).sum(1)

    np.testing.assert_allclose(expected, loss(predicted) - loss(run.best), rtol=1e-5)


def test_the_first_moment_is_the_untrained_network(smoke_record):
    record = smoke_record("feature_loss")
    config = feature_loss.PRESETS["smoke"]
    nets = BitEncoders(config.seeds, width=config.width, bits=config.bits)
    features = nets.features(bit_strings(config.bits)).mean((1, 2))
    first = record["feature"].sel(setting="random, relu", step=0, rate=0.1)
    np.testing.assert_allclose(first, features, rtol=1e-6)


def test_shares_are_shares_and_profiles_are_predictions(smoke_record):
    record = smoke_record("feature_loss")
    for name in ("off", "lost", "living_at", "lost_own", "lost_others", "reach", "profile", "revived", "regrown"):
        assert record[name].min() >= 0, name
        assert record[name].max() <= 1, name
    np.testing.assert_allclose(
        record["profile"].sel(distance=0, setting="pair, relu", rate=0.1),
        record["prediction_at"].sel(step=200, setting="pair, relu", rate=0.1),
    )
    assert (record["spread"].sel(distance=0).fillna(0) < 1e-6).all()  # one input has no spread


def test_without_units_nothing_is_left_and_with_all_nothing_changes(smoke_record):
    removal = smoke_record("feature_loss")["removal"].sel(setting="pair, relu", rate=0.1)
    assert (np.abs(removal.sel(removed=0)) < 1e-9).all()
    np.testing.assert_allclose(removal.sel(removed=1, order="size"), removal.sel(removed=1, order="random"), rtol=1e-5)
    middle = removal.sel(removed=0.5).mean("seed")
    assert middle.sel(order="size") < middle.sel(order="random")


def test_a_relu_off_at_every_input_never_comes_back(smoke_record):
    record = smoke_record("feature_loss").sel(setting="random, relu", rate=1.0)
    assert (record["off"].sel(step=200) > 0).any()
    assert record["revived"].max() == 0


def test_seeds_alone_give_what_they_give_together():
    settings = (
        Setting("mixed 0.1", "elu", rates=((0.1, 2), (1.0, 1)), steps=40),
        Setting("pair", "relu", rates=((0.1, 2), (1.0, 2)), steps=40),
        Setting("pair", "gelu", noise=False, rates=((1.0, 2),), steps=20),
    )
    together = ran(*settings, after=20)
    alone = ran(*settings, after=20, seeds=(1,))
    for name in alone.data_vars:
        if "seed" in alone[name].dims and name != "steps":
            values = together[name].sel(seed=[1])
            known = np.isfinite(alone[name]) & np.isfinite(values)  # a rate may be for the first seed only
            np.testing.assert_allclose(
                values.where(known), alone[name].where(known), rtol=1e-5, atol=1e-7, err_msg=name
            )
            assert known.any() or not np.isfinite(alone[name]).any()


def test_rates_learn_on_their_own():
    """A rate gives the same whether others learn beside it."""
    both = ran(Setting("random", "relu", rates=((0.1, 2), (1.0, 2)), steps=30))
    one = ran(Setting("random", "relu", rates=((1.0, 2),), steps=30))
    np.testing.assert_allclose(both["feature"].sel(rate=[1.0]), one["feature"], rtol=1e-6)


def test_wrong_labels_come_as_often_as_said():
    draws = Draws([3], 2, CPU).block()
    assert draws.shape == (1_000, 1, 3)
    wrong = float((draws[:, 0, 0] < COURSES["mixed 0.1"].wrong).double().mean())
    assert wrong == pytest.approx(0.1, abs=0.03)  # three standard errors


def test_a_course_without_noise_is_the_mean_of_its_draws():
    """To first order in the rate: one expected step moves the prediction as drawn steps do on average."""
    rates = ((1e-3, 1),)
    calm = ran(Setting("pair", "elu", noise=False, rates=rates, steps=1_000), bits=2, seeds=(0,))
    drawn = ran(Setting("pair", "elu", rates=rates, steps=1_000), bits=2, seeds=(0,))
    moved = [float(each["prediction_at"].sel(step=1_000) - each["prediction_at"].sel(step=0)) for each in (calm, drawn)]
    assert moved[0] == pytest.approx(moved[1], rel=0.3)
    assert moved[0] > 0.01


def test_moments_end_with_the_last_step():
    assert moments(10) == [0, 10]
    assert moments(50_000)[-2:] == [31_623, 50_000]
    assert moments(5) == [0, 5]


def test_pieces_cover_the_settings_and_join_to_the_whole():
    config = replace(feature_loss.PRESETS["smoke"], seeds=(0,), after=10)
    config = replace(config, settings=tuple(replace(each, steps=10) for each in config.settings))
    experiment = experiments.get("feature_loss")
    pieces = experiment.pieces(config)
    assert sum((piece.settings for piece in pieces), ()) == tuple(config.settings)
    joined = feature_loss.join_pieces([experiment.run(piece, device=CPU) for piece in pieces])
    whole = experiment.run(config, device=CPU)
    assert set(joined.data_vars) == set(whole.data_vars)
    for name in whole.data_vars:
        np.testing.assert_allclose(joined[name], whole[name].transpose(*joined[name].dims), rtol=1e-6, err_msg=name)
        assert joined[name].attrs == whole[name].attrs


def test_an_unknown_course_is_refused():
    with pytest.raises(ValueError, match="There is no course 'none': choose one of clean"):
        ran(Setting("none", "relu"))


def test_names_of_settings_are_distinct_in_every_preset():
    for config in feature_loss.PRESETS.values():
        names = [setting.name for setting in config.settings]
        assert len(set(names)) == len(names)
    assert setting_name("random", "elu") == "random, elu"
