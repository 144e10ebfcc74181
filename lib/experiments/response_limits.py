"""Where the theory of the training response ends: long steps, many points, few features (chapter 8; N, section IV).

The response of the text is that of a short step, from one point, with a kernel that stays as it is. Three parts ask how
much is lost otherwise: the first-order form beside the exact response by learning rate, with the features' gates and
without; one step on several points beside the sum of the steps on each; and the change of the kernel in training by the
number of features, in two parametrisations.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from lib.data.bits import bit_strings
from lib.experiments._progress import Progress
from lib.measures.response import output_error, sigmoid_slope, tangent_kernel
from lib.models.bit_encoder import ACTIVATIONS, BitEncoders, PointTraining

VERSION = 1

FORMS = ("both gates", "gate of x_o", "no gates", "no gates, best multiple")
"""First-order forms: eq. 9 as it is for this network; without the gates of x; eq. 19 as printed; and times its best
constant, one per network, for eq. 19 is a proportion."""

SUMS = ("single steps", "first order", "signs only")
"""What stands for one step on all points: the sum of exact responses to each; that of first-order kernels weighted by
y_i - f; and weighted by its sign alone, times the best constant."""

PARAMETRISATIONS = ("torch", "tangent")
"""Initial weights by torch's default, with a rate in inverse proportion to the width; and readout over the root of the
width, with a rate that stays."""

KINK = 1e-3
"""Pre-activations this close to 0 lie at the kink: a step of a common rate moves them across."""

_STANDARD_WIDTH = 128  # where both parametrisations have the rate of the config
_ENTRIES = 8_000_000  # features x inputs x members that are held at a time
_MOST_STEPS = 20_000  # towards an error; the longest that is needed is far shorter


@dataclass(frozen=True)
class Config:
    """Size and setting of a run."""

    activations: tuple[str, ...] = ("relu", "elu")
    bits: int = 8
    features: int = 128
    rates: tuple[float, ...] = (1e-4, 1e-3, 1e-2, 3e-2, 1e-1, 1.0)  # of the step that is looked at
    rate: float = 0.1  # of training
    epochs: tuple[int, ...] = (0, 100, 10_000)  # of training before the step, on one point
    points: tuple[int, ...] = (2, 8, 32)  # that one step is taken on
    points_epochs: tuple[int, ...] = (0, 300)  # of training on them before it
    widths: tuple[int, ...] = (8, 32, 128, 512, 2_048, 8_192)
    error: float = 0.1  # |y_o - f| that ends training where the width varies
    seeds: tuple[int, ...] = tuple(range(100))  # of weights, points and targets


PRESETS = {
    "smoke": Config(
        bits=5,
        features=32,
        rates=(1e-3, 3e-3, 1e-2, 1e-1),
        epochs=(0, 50),
        points=(2, 4),
        points_epochs=(0, 20),
        widths=(8, 32, 128),
        seeds=(0, 1, 2),
    ),
    "book": Config(
        rates=(1e-3, 1e-2, 1e-1, 1.0),
        epochs=(0, 1_000),
        points=(2, 8),
        points_epochs=(0,),
        widths=(8, 32, 128, 512),
        seeds=tuple(range(6)),
    ),
    "paper": Config(),
}


def run(config: Config, *, device: torch.device, progress: Progress) -> xr.Dataset:
    """Take the three limits one after the other.

    Returns
    -------
    Dataset
        Over ``activation`` and ``seed``: ``first_order_error`` (``form``, ``epoch``, ``rate``) and
        ``superposition_error`` (``sum``, ``points``, ``points_epoch``, ``rate``), both the largest deviation over all
        inputs relative to the largest response; ``at_kink`` (``points``, ``points_epoch``), the share of features close
        to their kink; ``kernel_change`` and ``steps`` (``parametrisation``, ``width``).
    """
    first: list[np.ndarray] = []
    superposed: list[tuple[np.ndarray, np.ndarray]] = []
    changed: list[tuple[np.ndarray, np.ndarray]] = []
    whole = 3 * len(config.activations)
    for number, activation in enumerate(config.activations):
        progress(3 * number / whole, f"{activation}, first order")
        first.append(_first_order(config, activation, device))
        progress((3 * number + 1) / whole, f"{activation}, several points")
        superposed.append(_superposition(config, activation, device))
        progress((3 * number + 2) / whole, f"{activation}, width")
        changed.append(_kernel_change(config, activation, device))
    progress(1.0, "done")
    sums, near = (np.stack(each) for each in zip(*superposed, strict=True))
    change, steps = (np.stack(each) for each in zip(*changed, strict=True))
    widths = ("activation", "parametrisation", "width", "seed")
    relative = "largest deviation from the response over the largest response"
    return xr.Dataset(
        {
            "first_order_error": (
                ("activation", "epoch", "form", "rate", "seed"),
                np.stack(first).astype(np.float32),
                {"long_name": f"first-order form, {relative}", "units": "1"},
            ),
            "superposition_error": (
                ("activation", "points_epoch", "points", "sum", "rate", "seed"),
                sums.astype(np.float32),
                {"long_name": f"sum over points, {relative}", "units": "1"},
            ),
            "at_kink": (
                ("activation", "points_epoch", "points", "seed"),
                near.astype(np.float32),
                {"long_name": f"share of drives at trained points within {KINK:g} of 0", "units": "1"},
            ),
            "kernel_change": (
                widths,
                change.astype(np.float32),
                {"long_name": "relative change of the logit kernel in training", "units": "1"},
            ),
            "steps": (widths, steps, {"long_name": "steps to the error", "units": "1"}),
        },
        coords={
            "activation": list(config.activations),
            "epoch": list(config.epochs),
            "form": list(FORMS),
            "rate": list(config.rates),
            "points_epoch": list(config.points_epochs),
            "points": list(config.points),
            "sum": list(SUMS),
            "parametrisation": list(PARAMETRISATIONS),
            "width": list(config.widths),
            "seed": list(config.seeds),
        },
    ).assign_attrs(error=config.error, features=config.features, bits=config.bits)


def relative_deviation(form: Tensor, exact: Tensor) -> Tensor:
    """Largest deviation over inputs relative to the largest response, shape (member,); arguments (member, point).

    Examples
    --------
    >>> relative_deviation(torch.tensor([[1.0, 0.5]]), torch.tensor([[1.0, -0.5]])).tolist()
    [1.0]
    """
    return (form - exact).abs().amax(-1) / exact.abs().amax(-1)


def best_multiple(form: Tensor, exact: Tensor) -> Tensor:
    """Return a form times the constant, one a member, that brings it nearest to the exact response in squares.

    Examples
    --------
    >>> best_multiple(torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 6.0]])).tolist()
    [[3.0, 6.0]]
    """
    return form * ((form * exact).sum(-1) / form.square().sum(-1))[:, None]


def drawn_points(config: Config, points: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Draw different inputs for each seed, as numbers of rows of `bit_strings`, and a target 0 or 1 for each.

    Returns
    -------
    tuple of Tensor
        Shapes (seed, point), int64 and float64.
    """
    rows, targets = [], []
    for seed in config.seeds:
        rng = np.random.default_rng((seed, points))  # another stream than that of the weights
        rows.append(rng.permutation(2**config.bits)[:points])
        targets.append(rng.integers(0, 2, points))
    return torch.tensor(np.stack(rows), device=device), torch.tensor(np.stack(targets), device=device).double()


def _first_order(config: Config, activation: str, device: torch.device) -> np.ndarray:
    """Return errors of the forms, shape (epoch, form, rate, seed)."""
    inputs = bit_strings(config.bits, device)
    rows, targets = drawn_points(config, 1, device)
    nets = _encoders(config, activation, device)
    training = PointTraining(nets, inputs[rows[:, 0]])
    found, done = [], 0
    for epoch in config.epochs:
        for _ in range(epoch - done):
            training.step(targets[:, 0], config.rate)
        done = epoch
        training.write()
        state, kernels = _State.of(nets, inputs), _kernels(nets, inputs, rows[:, 0])
        before = state.logits
        own = before.gather(1, rows)
        factor = 2 * output_error(targets, own) * sigmoid_slope(own) * sigmoid_slope(before)
        table = []
        for rate in config.rates:
            exact = state.response(rows, targets, rate)
            forms = [rate * factor * kernel for kernel in kernels]
            forms.append(best_multiple(forms[-1], exact))
            table.append(torch.stack([relative_deviation(form, exact) for form in forms]))
        found.append(torch.stack(table, 1).cpu().numpy())
    return np.stack(found)


def _kernels(nets: BitEncoders, inputs: Tensor, at: Tensor) -> list[Tensor]:
    """Return the kernels of the first three `FORMS`, each of shape (member, point)."""
    features, gates = nets.features(inputs), nets.gates(inputs)
    ones = torch.ones_like(gates)
    own = gates[torch.arange(nets.members, device=at.device), at][:, None]
    overlap = inputs[at] @ inputs.T
    return [
        tangent_kernel(features, each, readout, overlap, at)
        for each, readout in ((gates, nets.readout), (ones, nets.readout * own[:, 0].sqrt()), (ones, nets.readout))
    ]


@dataclass(frozen=True)
class _State:
    """Networks before a step, seen at all inputs; fields of shape (member, point, feature), logits (member, point)."""

    nets: BitEncoders
    inputs: Tensor
    drives: Tensor
    features: Tensor
    gates: Tensor
    logits: Tensor

    @classmethod
    def of(cls, nets: BitEncoders, inputs: Tensor) -> _State:
        return cls(nets, inputs, nets.drives(inputs), nets.features(inputs), nets.gates(inputs), nets.logits(inputs))

    def response(self, rows: Tensor, targets: Tensor, rate: float) -> Tensor:
        """Return the exact response at all inputs to one step on the points in `rows`, shape (member, point).

        Differences of the outputs before and after would hold no more than rounding where a trained network meets a
        short step, so the change of each feature and of the logit is computed as such.
        """
        own = self.logits.gather(1, rows)
        signal = 2 * rate * output_error(targets, own) * sigmoid_slope(own)
        at = rows[..., None].expand(-1, -1, self.drives.shape[-1])
        back = self.gates.gather(1, at) * self.nets.readout[:, None] * signal[..., None]
        learned = (self.features.gather(1, at) * signal[..., None]).sum(1)
        shift = ((self.inputs @ self.inputs[rows].transpose(1, 2)) + 1) @ back
        change = _feature_change(self.nets.activation, self.drives, self.gates, shift)
        rise = (self.features @ learned[..., None] + change @ (self.nets.readout + learned)[..., None])[..., 0]
        return _output_change(self.logits, rise + signal.sum(-1, keepdim=True))


def _feature_change(activation: str, drives: Tensor, gates: Tensor, shift: Tensor) -> Tensor:
    """Return phi(s + shift) - phi(s), without cancellation for ReLU and ELU where both lie on one side of 0."""
    after = drives + shift
    if activation == "relu":
        return torch.where(drives > 0, torch.maximum(shift, -drives), after.clamp(min=0))
    function = ACTIVATIONS[activation][0]
    if activation != "elu":
        return function(after) - function(drives)
    same = torch.where(drives > 0, shift, gates * torch.expm1(shift))  # below 0 the slope is e^s
    return torch.where((drives > 0) == (after > 0), same, function(after) - function(drives))


def _output_change(logits: Tensor, rise: Tensor) -> Tensor:
    """Return sigma(u + rise) - sigma(u), of the two equal forms the one whose exponential does not overflow."""
    up = torch.sigmoid(logits + rise) * torch.sigmoid(-logits) * -torch.expm1(-rise.clamp(min=0))
    down = torch.sigmoid(logits) * torch.sigmoid(-logits - rise) * torch.expm1(rise.clamp(max=0))
    return torch.where(rise >= 0, up, down)


def _superposition(config: Config, activation: str, device: torch.device) -> tuple[np.ndarray, np.ndarray]:
    """Return errors of the sums and shares at the kink, shapes (points_epoch, points, sum, rate, seed) and less."""
    inputs = bit_strings(config.bits, device)
    found = np.empty((len(config.points_epochs), len(config.points), len(SUMS), len(config.rates), len(config.seeds)))
    near = np.empty((len(config.points_epochs), len(config.points), len(config.seeds)))
    for place, points in enumerate(config.points):
        rows, targets = drawn_points(config, points, device)
        nets, done = _encoders(config, activation, device), 0
        for moment, epoch in enumerate(config.points_epochs):
            for _ in range(epoch - done):
                # the mean over points: with their sum, many points would be learned at another rate than few
                nets.step(inputs[rows], targets, config.rate / points)
            done = epoch
            state = _State.of(nets, inputs)
            before = state.logits
            own = before.gather(1, rows)
            near[moment, place] = (nets.drives(inputs[rows]).abs() < KINK).double().mean((1, 2)).cpu().numpy()
            error, slopes = output_error(targets, own), sigmoid_slope(before)
            weighted, signed = torch.zeros_like(before), torch.zeros_like(before)
            for point in range(points):
                at = rows[:, point]
                kernel = tangent_kernel(state.features, state.gates, nets.readout, inputs[at] @ inputs.T, at)
                kernel = 2 * sigmoid_slope(own[:, point, None]) * slopes * kernel
                weighted += error[:, point, None] * kernel
                signed += error[:, point, None].sign() * kernel
            for number, rate in enumerate(config.rates):
                exact = state.response(rows, targets, rate)
                single = torch.zeros_like(exact)
                for point in range(points):
                    one = slice(point, point + 1)
                    single += state.response(rows[:, one], targets[:, one], rate)
                forms = (single, rate * weighted, best_multiple(signed, exact))
                for kind, form in enumerate(forms):
                    found[moment, place, kind, number] = relative_deviation(form, exact).cpu().numpy()
    return found, near


def _kernel_change(config: Config, activation: str, device: torch.device) -> tuple[np.ndarray, np.ndarray]:
    """Return change of the kernel and steps of training, shapes (parametrisation, width, seed)."""
    change = np.empty((len(PARAMETRISATIONS), len(config.widths), len(config.seeds)))
    steps = np.empty(change.shape, dtype=np.int32)
    for kind, initial in enumerate(PARAMETRISATIONS):
        for place, width in enumerate(config.widths):
            rate = config.rate * (_STANDARD_WIDTH / width if initial == "torch" else 1.0)
            for members in _chunks(config, width):
                found = _trained_change(config, activation, initial, width, rate, members, device)
                change[kind, place, members], steps[kind, place, members] = found
    return change, steps


def _trained_change(
    config: Config, activation: str, initial: str, width: int, rate: float, members: slice, device: torch.device
) -> tuple[np.ndarray, np.ndarray]:
    """Train some members to the error, and compare their kernel with the one before."""
    inputs = bit_strings(config.bits, device)
    rows, targets = (each[members] for each in drawn_points(config, 1, device))
    point, at = inputs[rows], rows[:, 0]
    nets = BitEncoders(
        config.seeds[members], activation=activation, width=width, bits=config.bits, initial=initial, device=device
    )

    def kernel() -> Tensor:
        features, readout = nets.scale * nets.features(inputs), nets.scale * nets.readout
        return tangent_kernel(features, nets.gates(inputs), readout, inputs[at] @ inputs.T, at)

    before = kernel()
    taken = torch.zeros(len(rows), dtype=torch.int32, device=device)
    for _ in range(_MOST_STEPS):
        missing = output_error(targets, nets.logits(point))[:, 0].abs() > config.error
        if not bool(missing.any()):
            break
        nets.step(point, targets, rate * missing.double())
        taken += missing
    else:
        raise RuntimeError(f"{width} features did not reach an error of {config.error} in {_MOST_STEPS:,} steps.")
    change = (kernel() - before).norm(dim=-1) / before.norm(dim=-1)
    return change.cpu().numpy(), taken.cpu().numpy()


def _chunks(config: Config, width: int) -> Iterator[slice]:
    together = max(1, _ENTRIES // (width * 2**config.bits))
    for first in range(0, len(config.seeds), together):
        yield slice(first, min(first + together, len(config.seeds)))


def _encoders(config: Config, activation: str, device: torch.device) -> BitEncoders:
    return BitEncoders(config.seeds, activation=activation, width=config.features, bits=config.bits, device=device)
