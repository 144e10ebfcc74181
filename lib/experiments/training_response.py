"""The response of a bit encoder to training on one point, from before the first step on (chapter 8; N, figures 1 to 4).

A network of one hidden layer learns one string of bits and its label, step by step. At logarithmically spaced epochs
the network is asked how its output at all strings would move if it learned that point once more: the response, exact,
raw and in the logit, and how much of it the text's theory gives. All seeds and rates learn side by side.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from lib.data.bits import bit_strings, hamming_distance
from lib.experiments._joining import joined
from lib.experiments._progress import Progress, portion
from lib.experiments._rounding import to_four_digits
from lib.measures.response import (
    arc_cosine_kernels,
    by_distance,
    output_error,
    output_response,
    share_explained,
    sigmoid_slope,
    tangent_kernel,
)
from lib.models.bit_encoder import ACTIVATION_NAMES, ACTIVATIONS, BitEncoders, PointTraining

VERSION = 2


@dataclass(frozen=True)
class Setting:
    """What is learned, and by which network."""

    activation: str = "relu"
    target: float = 1.0  # label of the point, a bit or a number to be regressed
    noise: float = 0.0  # probability that a step learns 1 - target instead
    initial: str = "torch"  # initial weights
    main: bool = True  # whether it is run with all seeds and rates

    @property
    def name(self) -> str:
        """Name of the setting: activation, and what differs from the text's figure 1."""
        said = [ACTIVATION_NAMES[self.activation]]
        said += [f"target {self.target:g}"] if self.target != 1 else []
        said += [f"{self.noise:.0%} wrong".replace("%", " %")] if self.noise else []
        said += ["He-normal"] if self.initial == "he" else []
        return ", ".join(said)


TEXTS_OWN = ("relu", "elu")
"""Activations of the text."""

TEXT = tuple(Setting(activation, noise=noise) for noise in (0.0, 0.1) for activation in TEXTS_OWN)
"""Settings of the text's figures 1 to 3."""

REGRESSION = (0.5, 0.7, 0.9, 0.99)
"""Targets of figure 4, which does not say its own; 0.9 is also the mean label of figure 3, without its noise."""

SENSITIVITIES = (
    *(Setting(activation, target=target, main=False) for target in (0.0, *REGRESSION) for activation in TEXTS_OWN),
    *(Setting(activation, initial="he", main=False) for activation in TEXTS_OWN),
    *(Setting(activation, main=False) for activation in ACTIVATION_NAMES if activation not in TEXTS_OWN),
)
"""Everything else a finding might hang on."""


@dataclass(frozen=True)
class Config:
    """Size and setting of a run."""

    settings: tuple[Setting, ...] = TEXT
    rates: tuple[float, ...] = (0.1,)
    few_rates: tuple[float, ...] = (0.1,)  # of settings that are not the main ones ...
    few_seeds: int = 20  # ... and how many of the seeds
    epochs: int = 10_000  # steps, for the data set is one point
    moments: int = 40  # at which the response at the point is asked for
    profiles: int = 9  # at which it is asked for at all distances: half decades
    width: int = 128
    bits: int = 8
    seeds: tuple[int, ...] = tuple(range(100))  # of initial weights, the point, wrong labels


PRESETS = {
    "smoke": Config(
        settings=(*TEXT[:3], Setting("relu", target=0.7, main=False)),
        rates=(0.1, 1.0),
        few_seeds=3,
        epochs=100,
        moments=16,
        profiles=4,
        width=16,
        bits=4,
        seeds=(0, 1, 2, 3, 4, 5),
    ),
    "book": Config(
        settings=(*TEXT, *(setting for setting in SENSITIVITIES if setting.target == 0.7)),
        seeds=tuple(range(50)),
    ),
    "paper": Config(
        settings=(*TEXT, *SENSITIVITIES),
        rates=(0.01, 0.03, 0.1, 0.3, 1.0),
        few_rates=(0.01, 0.1, 1.0),
    ),
}


def pieces(config: Config) -> list[Config]:
    """Return one config a setting, with its rates and seeds."""
    return [
        replace(
            config,
            settings=(setting,),
            rates=config.rates if setting.main else config.few_rates,
            seeds=config.seeds if setting.main else config.seeds[: config.few_seeds],
        )
        for setting in config.settings
    ]


def join_pieces(results: list[xr.Dataset]) -> xr.Dataset:
    """Put settings together; rates and seeds that one was not run with are NaN."""
    return joined(results, "setting")


def moments(last: int, number: int) -> np.ndarray:
    """Return 0 and logarithmically spaced epochs from 1 to the last, of which there are at most `number`.

    Examples
    --------
    >>> moments(100, 5).tolist()
    [0, 1, 3, 10, 31, 100]
    """
    return np.unique([0, *np.geomspace(1, last, number).astype(int)])


def run(config: Config, *, device: torch.device, progress: Progress) -> xr.Dataset:
    """Train every setting at every rate, and ask for the response on the way.

    Returns
    -------
    Dataset
        Dimensions ``setting``, ``rate``, ``seed`` and ``epoch``: at the trained point the ``response`` to its true
        label, the ``error`` that label leaves and the ``logit``; ``negative``, the share of all strings whose output
        moves away from the label; mean features; the shares of the logit's response that eq. 20 and its alternatives
        explain; relative errors of the first-order form. With ``profile_epoch`` and ``distance``: the response, that of
        the logit, the slope of the sigmoid and the output, each a mean over the strings at a distance; and the response
        where all strings but the trained one have changed places.

    Raises
    ------
    ValueError
        For settings that no network has.
    """
    parts = pieces(config)
    if len(parts) > 1:
        return join_pieces(
            [
                run(part, device=device, progress=portion(progress, number, len(parts)))
                for number, part in enumerate(parts)
            ]
        )
    (setting,) = config.settings
    if setting.activation not in ACTIVATIONS or not 0 <= setting.target <= 1 or not 0 <= setting.noise <= 1:
        raise ValueError(f"{setting} is no setting: it needs a known activation, and target and noise from 0 to 1.")
    members = [seed for _ in parts[0].rates for seed in parts[0].seeds]
    return _train(parts[0], setting, members, device, progress)


def _train(
    config: Config, setting: Setting, members: list[int], device: torch.device, progress: Progress
) -> xr.Dataset:
    nets = BitEncoders(
        members,
        activation=setting.activation,
        width=config.width,
        bits=config.bits,
        initial=setting.initial,
        device=device,
    )
    rates = torch.tensor(config.rates, dtype=torch.float64).repeat_interleave(len(config.seeds)).to(device)
    strings = bit_strings(config.bits, device)
    points = [_point(seed, len(strings)) for seed in members]
    at = torch.stack(points).to(device)
    places = torch.stack([_places(*each, len(strings)) for each in zip(members, points, strict=True)]).to(device)
    wrong = _wrong(config, setting).to(device).repeat(1, len(config.rates))  # (epoch, member)
    profiled = moments(config.epochs, config.profiles)
    asked = np.union1d(profiled, moments(config.epochs, config.moments))
    training = PointTraining(nets, strings[at])
    target = torch.full((len(members),), setting.target, dtype=torch.float64, device=device)
    scalars: list[dict[str, Tensor]] = []
    profiles: list[dict[str, Tensor]] = []
    place = 0
    for epoch in asked:
        for step in range(place, epoch):
            training.step(torch.where(wrong[step], 1 - target, target), rates)
        place = int(epoch)
        scalar, profile = _ask(training.write(), strings, at, places, target, rates)
        scalars.append(scalar)
        profiles += [profile] if epoch in profiled else []
        progress(place / config.epochs, f"{setting.name}, epoch {place:,}")
    table: dict[str, Any] = {}
    shape = (len(config.rates), len(config.seeds))
    for name, (text, unit) in _SCALARS.items():
        values = torch.stack([each[name] for each in scalars], -1).reshape(*shape, -1)
        table[name] = (("rate", "seed", "epoch"), _stored(values), {"long_name": text, "units": unit})
    for name, (text, unit) in _PROFILES.items():
        values = torch.stack([each[name] for each in profiles], 1).reshape(*shape, len(profiles), -1)
        dims = ("rate", "seed", "profile_epoch", "distance")
        table[name] = (dims, _stored(values), {"long_name": text, "units": unit})
    coordinates = {"rate": list(config.rates), "seed": list(config.seeds), "epoch": asked, "profile_epoch": profiled}
    result = xr.Dataset(table, coords=coordinates | {"distance": np.arange(config.bits + 1)})
    texts = {"rate": "learning rate", "epoch": "epoch", "profile_epoch": "epoch", "distance": "Hamming distance"}
    for name, text in texts.items():
        result[name].attrs.update(long_name=text, units="1")
    result = to_four_digits(result).expand_dims(setting=[setting.name]).transpose("setting", ...)
    return result.assign_attrs(width=config.width, bits=config.bits)


def _point(seed: int, strings: int) -> Tensor:
    """Draw the number of the string that a seed learns."""
    generator = torch.Generator().manual_seed(seed + 1_000_000)
    return torch.randint(strings, (), generator=generator)


def _places(seed: int, point: Tensor, strings: int) -> Tensor:
    """Draw an order of the strings in which the seed's own keeps its place."""
    generator = torch.Generator().manual_seed(seed + 3_000_000)
    order = torch.arange(strings)
    others = order[order != point]
    order[others] = others[torch.randperm(len(others), generator=generator)]
    return order


def _wrong(config: Config, setting: Setting) -> Tensor:
    """Draw which labels are wrong, shape (epoch, seed): a seed's own, whatever the other seeds are."""
    if setting.noise == 0:
        return torch.zeros(config.epochs, len(config.seeds), dtype=torch.bool)
    generators = (torch.Generator().manual_seed(seed + 2_000_000) for seed in config.seeds)
    drawn = [torch.rand(config.epochs, generator=generator) < setting.noise for generator in generators]
    return torch.stack(drawn, 1)


def _ask(
    nets: BitEncoders, strings: Tensor, at: Tensor, places: Tensor, target: Tensor, rates: Tensor
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Ask networks what one more step on their point would change, without taking it."""
    member = torch.arange(nets.members, device=at.device)
    features, gates, before = nets.features(strings), nets.gates(strings), nets.logits(strings)
    after = nets.copy()
    after.step(strings[at][:, None], target[:, None], rates)
    later = after.logits(strings)
    response, moved = output_response(before, later), later - before
    error = output_error(target, before[member, at])
    # what a step on the point sends through the network: eq. 10 up to the kernel
    signal = 2 * rates * error * sigmoid_slope(before[member, at])
    overlap = strings[at] @ strings.T
    bits = strings.shape[1]
    distance = hamming_distance(strings[at][:, None], strings)
    kernels = {
        "first_order_error": tangent_kernel(features, gates, nets.readout, overlap, at),
        "ungated_error": tangent_kernel(features, torch.ones_like(gates), nets.readout, overlap, at),
    }
    scalars = {
        "response": response[member, at],
        "error": error,
        "logit": before[member, at],
        # output and label on the same side: beyond its target a regression moves down, and that is no failure
        "negative": (response * torch.sign(error)[:, None] < 0).to(torch.float64).mean(1),
        "mean_feature": features.mean((1, 2)),
        "mean_feature_at_point": features[member, at].mean(1),
        "linear": share_explained(moved, overlap),
        "quadratic": share_explained(moved, overlap, overlap**2),
        "arc_cosine": share_explained(moved, *_wide(overlap, bits)),
    }
    for name, kernel in kernels.items():
        expected = signal[:, None] * sigmoid_slope(before) * kernel
        scalars[name] = (expected - response).abs().amax(1) / response.abs().amax(1)
    profiles = {
        "response_at": response,
        "permuted_at": response.gather(1, places),
        "logit_response_at": moved,
        "slope_at": sigmoid_slope(before),
        "output_at": torch.sigmoid(before),
    }
    return scalars, {name: by_distance(values, distance, bits) for name, values in profiles.items()}


def _wide(overlap: Tensor, bits: int) -> tuple[Tensor, Tensor]:
    """Return the two parts of the kernel that infinitely many ReLU units have between inputs with a constant 1."""
    cosine = (overlap + 1) / (bits + 1)
    gates, features = arc_cosine_kernels(cosine)
    return features, cosine * gates


def _stored(values: Tensor) -> np.ndarray:
    return values.to(torch.float32).cpu().numpy()


_SCALARS = {
    "response": ("response of the output at the trained point to its true label", "1"),
    "error": ("label less output at the trained point", "1"),
    "logit": ("logit at the trained point", "1"),
    "negative": ("share of strings whose output moves the other way than at the trained point", "1"),
    "mean_feature": ("mean feature over units and all strings", "1"),
    "mean_feature_at_point": ("mean feature over units at the trained point", "1"),
    "linear": ("share of the logit's response that eq. 20 explains", "1"),
    "quadratic": ("share that a square beside it explains", "1"),
    "arc_cosine": ("share that the kernel of infinitely many ReLU units explains", "1"),
    "first_order_error": ("largest error of the first-order response over the largest response", "1"),
    "ungated_error": ("the same without gates, as eq. 19 is written", "1"),
}
_PROFILES = {
    "response_at": ("response of the output, mean over strings at a distance", "1"),
    "permuted_at": ("response of the output where all strings but the trained one have changed places", "1"),
    "logit_response_at": ("response of the logit, mean over strings at a distance", "1"),
    "slope_at": ("slope of the sigmoid, mean over strings at a distance", "1"),
    "output_at": ("output, mean over strings at a distance", "1"),
}
