"""Limits of the response's theory, at small size: against autograd, and where theory is exact."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lib.data.bits import bit_strings
from lib.experiments import response_limits as experiment
from lib.experiments.response_limits import FORMS, PRESETS, Config
from lib.measures.response import output_error, sigmoid_slope
from lib.models.bit_encoder import BitEncoders

CPU = torch.device("cpu")
SMALL = replace(PRESETS["smoke"], seeds=(0, 1))


@pytest.fixture(scope="module")
def smoke(smoke_record):
    return smoke_record("response_limits")


def test_first_order_error_is_in_proportion_to_the_rate(smoke):
    gated = smoke["first_order_error"].sel(form="both gates").mean("seed")
    assert float((gated.sel(rate=1e-3) / gated.sel(rate=1e-2)).max()) < 0.12
    bare = smoke["first_order_error"].sel(form="no gates, best multiple").mean("seed")
    assert float((bare.sel(rate=1e-3) / bare.sel(rate=1e-2)).min()) > 0.9


def test_gates_only_add_up(smoke):
    """Each gate that is left out makes the form worse."""
    errors = smoke["first_order_error"].sel(rate=1e-3, activation="relu").mean("seed")
    gated, own, bare, _ = (errors.sel(form=form) for form in FORMS)
    assert (gated < own).all()
    assert (own < bare).all()


@pytest.mark.parametrize("activation", ["relu", "elu"])
def test_first_order_kernel_is_that_of_autograd(activation):
    """Gradients of the logit at x and x_o, multiplied, for one network."""
    nets, inputs = BitEncoders([3], activation=activation, width=16, bits=4), bit_strings(4)
    kernel = experiment._kernels(nets, inputs, torch.tensor([5]))[0][0]
    leaves = [each.clone().requires_grad_() for each in (nets.inner, nets.readout, nets.offset)]
    nets.inner, nets.readout, nets.offset = leaves
    logits = nets.logits(inputs)[0]
    gradients = [torch.cat([g.flatten() for g in torch.autograd.grad(u, leaves, retain_graph=True)]) for u in logits]
    torch.testing.assert_close(kernel, torch.stack(gradients) @ gradients[5])


@pytest.mark.parametrize("activation", ["relu", "elu", "tanh"])
@pytest.mark.parametrize("rate", [0.01, 3.0])
def test_the_exact_response_is_that_of_a_step(activation, rate):
    """On three points, with a step so long that features cross their kinks, and a shorter one."""
    nets, inputs = BitEncoders([0, 1], activation=activation, width=16, bits=4), bit_strings(4)
    rows, targets = torch.tensor([[1, 5, 9], [2, 3, 15]]), torch.tensor([[0.0, 1, 1], [1, 0, 0]]).double()
    after = nets.copy()
    after.step(inputs[rows], targets, rate)
    found = experiment._State.of(nets, inputs).response(rows, targets, rate)
    torch.testing.assert_close(found, after.predict(inputs) - nets.predict(inputs), rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("activation", ["relu", "elu"])
def test_the_exact_response_does_not_cancel(activation):
    """Where the output saturates and the step is tiny, only the first order is left, to nine digits."""
    nets, inputs = BitEncoders([0], activation=activation, width=16, bits=4), bit_strings(4)
    nets.offset += 12
    rows, targets, rate = torch.tensor([[3]]), torch.ones(1, 1, dtype=torch.float64), 1e-3
    state = experiment._State.of(nets, inputs)
    own, kernel = state.logits[:, 3, None], experiment._kernels(nets, inputs, rows[:, 0])[0]
    slopes = sigmoid_slope(own) * sigmoid_slope(state.logits)
    expected = 2 * rate * output_error(targets, own) * slopes * kernel
    torch.testing.assert_close(state.response(rows, targets, rate), expected, rtol=1e-9, atol=0)


def test_one_point_adds_up_exactly():
    config = replace(SMALL, points=(1,), points_epochs=(0,))
    single = experiment._superposition(config, "relu", CPU)[0][0, 0, 0]
    np.testing.assert_array_equal(single, 0)


def test_weights_matter_for_the_sum(smoke):
    errors = smoke["superposition_error"].sel(rate=1e-3).mean("seed")
    assert (errors.sel(sum="first order") < 0.1 * errors.sel(sum="signs only")).all()
    assert (errors.sel(sum="single steps") < 0.1 * errors.sel(sum="signs only")).all()


def test_features_at_their_kink_are_a_share(smoke):
    """Before training about as many as a uniform density has there."""
    found = smoke["at_kink"]
    assert found.dims == ("activation", "points_epoch", "points", "seed")
    assert float(found.min()) >= 0
    assert float(found.isel(points_epoch=0).max()) < 0.05


def test_the_kernel_of_wide_networks_changes_less(smoke):
    change = smoke["kernel_change"].mean("seed")
    assert (change.isel(width=-1) < change.isel(width=0)).all()
    assert (smoke["steps"] > 0).all()


@pytest.mark.parametrize("initial", ["torch", "tangent"])
def test_training_ends_at_the_error(initial):
    """Done again network by network: the same steps, and an error just below the one given."""
    width, rate = 16, 0.5
    _, steps = experiment._trained_change(SMALL, "relu", initial, width, rate, slice(0, 2), CPU)
    inputs, (rows, targets) = bit_strings(SMALL.bits), experiment.drawn_points(SMALL, 1, CPU)
    for member in range(2):
        nets = BitEncoders([SMALL.seeds[member]], width=width, bits=SMALL.bits, initial=initial)
        x, y = inputs[rows[member]][None], targets[member][None]
        errors = []
        for _ in range(steps[member]):
            errors.append(float((y - nets.predict(x)).abs()))
            nets.step(x, y, rate)
        assert float((y - nets.predict(x)).abs()) <= SMALL.error < min(errors)


def test_chunks_of_members_change_nothing(monkeypatch):
    config = replace(SMALL, widths=(8, 32))
    whole = experiment._kernel_change(config, "elu", CPU)
    monkeypatch.setattr(experiment, "_ENTRIES", 1)
    assert [chunk.stop - chunk.start for chunk in experiment._chunks(config, 8)] == [1, 1]
    for first, second in zip(whole, experiment._kernel_change(config, "elu", CPU), strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-9)


def test_points_differ_and_are_those_of_their_seed():
    config = Config(seeds=(4, 9))
    rows, targets = experiment.drawn_points(config, 32, CPU)
    assert all(len(set(row.tolist())) == 32 for row in rows)
    assert set(targets.unique().tolist()) == {0.0, 1.0}
    alone = experiment.drawn_points(replace(config, seeds=(9,)), 32, CPU)
    assert (alone[0][0] == rows[1]).all()
    assert (alone[1][0] == targets[1]).all()


def test_an_error_out_of_reach_is_named(monkeypatch):
    monkeypatch.setattr(experiment, "_MOST_STEPS", 2)
    with pytest.raises(RuntimeError, match="did not reach an error"):
        experiment._trained_change(SMALL, "relu", "torch", 8, 1e-3, slice(0, 2), CPU)
