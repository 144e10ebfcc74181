"""A perceptron with two inputs, so that its whole walk can be drawn (chapter 1, figure 1a of *Easing the knot*).

The inputs are the first two principal components of two digits' images. One pair can be told apart in that plane, so
Rosenblatt's rule stops for ever; the other cannot, so it never does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
import xarray as xr

from lib import data
from lib.experiments.perceptron import targets_under
from lib.measures.random_walk import random_sign_surrogate, rosenblatt_msd
from lib.models.perceptron import OnlinePerceptrons, uniform_weights

VERSION = 1


@dataclass(frozen=True)
class Config:
    """Size and setting of a run."""

    pairs: tuple[tuple[int, int], ...] = ((3, 4), (8, 9))  # digits told apart: the first can be, without a mistake
    rules: tuple[str, ...] = ("rosenblatt", "logistic")
    rate: float = 0.1  # learning rate
    labels: tuple[str, ...] = ("true", "shuffled")
    epochs: int = 20  # passes through the images of a pair
    samples: int = 280  # images of a pair that are used, so that all pairs take equally many steps
    seeds: tuple[int, ...] = tuple(range(20))


PRESETS = {
    "smoke": Config(epochs=2, seeds=(0, 1, 2)),
    "book": Config(),
    "paper": Config(epochs=50),
}


def run(config: Config, *, device: torch.device, progress: Callable[[float, str], None]) -> xr.Dataset:
    """Return the path of every two-input perceptron at every step.

    Returns
    -------
    Dataset
        ``path`` over (pair, seed, rule, labels, step, coordinate), and ``surrogate``, the same steps with random signs;
        ``inputs`` and ``sign``, the samples of a pair;
        ``msd`` of each epoch from the path itself, and ``msd_from_mistakes``, what the mistakes of Rosenblatt's rule
        say it must be (nan for the logistic unit).

    Raises
    ------
    ValueError
        If a pair has fewer samples than asked for.
    """
    images = data.load("digits", device=device)
    conditions = list(product(config.rules, config.labels))
    rules = [rule for rule, _ in conditions]
    from sklearn.decomposition import PCA  # slow to import

    pairs = []
    for number, (a, b) in enumerate(config.pairs):
        index, signs = data.pair(images.y_train, a, b, dtype=torch.float64)
        if len(index) < config.samples:
            raise ValueError(f"Digits {a} and {b} have {len(index)} images: ask for at most that many samples.")
        index, signs = index[: config.samples], signs[: config.samples]
        pixels = images.vectors("train", dtype=torch.float64)[index]
        plane = torch.as_tensor(PCA(2, svd_solver="full").fit_transform(pixels.cpu().numpy()), device=device)
        targets = torch.stack([targets_under(signs[None], config.labels, seed) for seed in config.seeds])
        weights = torch.stack(
            [
                uniform_weights((1, 2), torch.Generator().manual_seed(seed)).repeat(len(rules), 1)
                for seed in config.seeds
            ]
        ).to(device)
        unit = OnlinePerceptrons(plane, targets, weights, rules, [config.rate] * len(rules))
        path, drives, norms = [weights], [], []
        for epoch in range(config.epochs):
            for block in unit.learn(data.epoch_orders(config.samples, config.seeds, epoch, device)):
                path += [block.weights_before(step + 1) for step in range(block.drive.shape[-1])]
                drives.append(block.drive)
                norms.append(block.squared_norm)
            progress(
                (number + (epoch + 1) / config.epochs) / len(config.pairs), f"digits {a} and {b}, epoch {epoch + 1}"
            )
        pairs.append(
            _describe(config, torch.stack(path, 2), torch.cat(drives, -1), torch.cat(norms, -1)).assign(
                inputs=(("sample", "coordinate"), plane.cpu().numpy().astype(np.float32)),
                sign=("sample", signs.cpu().numpy().astype(np.int8)),
            )
        )
    names = [f"{a} against {b}" for a, b in config.pairs]
    result = xr.concat(pairs, xr.DataArray(names, dims="pair", name="pair"))
    texts = {
        "path": ("weights before each step", "1"),
        "surrogate": ("the same steps with random signs", "1"),
        "msd": ("mean squared step of an epoch", "1"),
        "msd_from_mistakes": ("rate^2 x share of mistakes x mean squared norm of the mistaken inputs", "1"),
        "mistakes": ("share of mistakes while learning", "1"),
        "inputs": ("first two principal components of the images", "1"),
        "sign": ("target", "1"),
    }
    for name, (text, unit_of) in texts.items():
        result[name].attrs.update(long_name=text, units=unit_of)
    return result


def _describe(config: Config, path: torch.Tensor, drive: torch.Tensor, norm: torch.Tensor) -> xr.Dataset:
    """Return path and mean squared steps; the arguments are over (seed, chain, step, ...), `norm` over (seed, step)."""
    seeds = len(config.seeds)
    by_epoch = (seeds, -1, config.epochs, config.samples)
    squared_steps = (path.diff(dim=2) ** 2).sum(-1).reshape(by_epoch)
    mistakes = (drive.reshape(by_epoch) >= 0.5).to(torch.float64)
    squared_norm = norm.reshape(seeds, 1, config.epochs, config.samples).expand_as(mistakes)
    mistaken_norm = (mistakes * squared_norm).sum(-1) / mistakes.sum(-1).clamp(min=1)
    expected = rosenblatt_msd(config.rate, mistakes.mean(-1), mistaken_norm)
    expected = np.where(
        np.repeat([rule == "rosenblatt" for rule in config.rules], len(config.labels))[:, None], expected, np.nan
    )
    surrogate = torch.stack([random_sign_surrogate(p, seed) for p, seed in zip(path, config.seeds, strict=True)])
    split = (seeds, len(config.rules), len(config.labels))
    dims = ("seed", "rule", "labels")

    def unfold(values: torch.Tensor | np.ndarray) -> np.ndarray:
        array = values.cpu().numpy() if isinstance(values, torch.Tensor) else values
        return array.reshape(*split, *array.shape[2:])

    return xr.Dataset(
        {
            "path": ((*dims, "step", "coordinate"), unfold(path).astype(np.float32)),
            "surrogate": ((*dims, "step", "coordinate"), unfold(surrogate).astype(np.float32)),
            "msd": ((*dims, "epoch"), unfold(squared_steps.mean(-1))),
            "msd_from_mistakes": ((*dims, "epoch"), unfold(expected)),
            "mistakes": ((*dims, "epoch"), unfold(mistakes.mean(-1))),
        },
        coords={
            "seed": list(config.seeds),
            "rule": list(config.rules),
            "labels": list(config.labels),
            "epoch": np.arange(1, config.epochs + 1),
        },
    )
