"""Judges of the claims about the weights' distribution as such: K5 and K7, on records of ``deep_mlp``."""

from __future__ import annotations

import numpy as np
import xarray as xr

from lib.claims._deep_network import BINS, TEXT
from lib.claims._judging import TINY, conclude, passing, range_of, span
from lib.claims._model import Condition, Judgement
from lib.claims._registry import judge
from lib.claims._verdict import lies
from lib.experiments.networks import hidden_layers, one_network
from lib.experiments.weight_statistics import bin_edges
from lib.measures.amplitudes import LAWS, AmplitudeFits, fit_amplitudes, fold
from lib.measures.complexity import ComplexityEntropy, complexity_entropy, family_probabilities
from lib.measures.histogram import rebin
from lib.measures.statistics import difference_interval, seed_interval

PRUNED = np.concatenate([np.linspace(0, 0.95, 20), [0.98, 0.99, 0.995, 0.999]])
"""Shares of weights that are set to 0."""

EPOCHS = (1, 10, 50)
"""Epochs at which the sizes of weights are judged, beside that before training."""


def pruned(probabilities: np.ndarray, edges: np.ndarray, shares: np.ndarray = PRUNED) -> ComplexityEntropy:
    """Return the place in the plane of a histogram some of whose weights, drawn at random, are set to 0.

    Parameters
    ----------
    probabilities
        Shape (..., bin).
    edges
        Shape (..., bin + 1); 0 lies between the first and the last.
    shares
        Shares of the weights that are set to 0, shape (share,).

    Returns
    -------
    ComplexityEntropy
        Arrays of shape (..., share).

    Examples
    --------
    >>> pruned(np.array([0.5, 0.5]), np.array([-1.0, 0.0, 1.0])).complexity[[0, -1]].round(3)
    array([0.   , 0.002])
    """
    zero = np.diff(np.asarray(edges) > 0, axis=-1)  # the bin whose upper edge is the first above 0
    share = np.asarray(shares)[:, None]
    return complexity_entropy((1 - share) * probabilities[..., None, :] + share * zero[..., None, :])


@judge("K5", experiment="deep_mlp")
def complexity_of_sparse_weights(record: xr.Dataset) -> Judgement | None:
    """C must be low for a uniform distribution, high for a single bin, and higher for sparse weights than for dense.

    Uniform and single bin are closed forms. Sparse weights are a Gaussian's over eight standard deviations and those of
    the text's networks after the last epoch (hidden matrices, 256 bins over their own range), with a random share of
    them set to 0: C at a share of 0.999 must exceed C at 0. All effects are in bits squared, the first two being C.
    """
    single, uniform = complexity_entropy(np.stack([np.eye(1, BINS)[0], np.ones(BINS)])).complexity
    edges = np.linspace(-4, 4, BINS + 1)
    gaussian = pruned(family_probabilities("gaussian", edges, mean=0.0, sd=1.0), edges).complexity
    conditions = [
        Condition("uniform distribution: C low", float(uniform), seeds=0, passes=bool(uniform < 1e-9)),
        Condition("single bin: C high", float(single), seeds=0, passes=bool(single > 1e-9)),
        Condition(
            "Gaussian, C pruned less C dense",
            float(gaussian[-1] - gaussian[0]),
            seeds=0,
            passes=bool(gaussian[-1] > gaussian[0]),
            note=_path(gaussian),
        ),
    ]
    for name in TEXT:
        chosen = one_network(record, name)
        if chosen is None:
            continue
        curves = pruned(*own_histogram(chosen.isel(epoch=-1))).complexity
        effect = seed_interval(curves[:, -1] - curves[:, 0])
        passes = lies(span(effect), low=TINY)
        note = _path(curves.mean(axis=0))
        conditions.append(Condition.measured(f"{name}, C pruned less C dense", effect, passes=passes, note=note))
    return conclude(
        min(conditions[2:], key=lambda condition: condition.effect),
        conditions,
        record=record,
        needed=TEXT,
        measure="C with 99.9 % of the weights set to 0 less C with none, in bits squared, smallest",
        control=f"closed form: C is {uniform:.3f} for a uniform distribution and {single:.3f} for a single bin",
        text=f"{passing(conditions)} are as section 2.2 says. By eq. 1 C is 0 at both ends: for a Gaussian "
        f"{_path(gaussian)}. Section 1 swaps gas and crystal; in both sections the sparse network has the higher C, "
        "which does not hold for all shares.",
    )


def _path(curve: np.ndarray) -> str:
    top = int(curve.argmax())
    return (
        f"C is {curve[0]:.2f} without pruning, greatest ({curve[top]:.2f}) at {PRUNED[top]:.1%} pruned and "
        f"{curve[-1]:.2f} at {PRUNED[-1]:.1%}"
    )


def own_histogram(moment: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return shares and edges of the hidden matrices' bins over their own range, shapes (..., bin), (..., bin + 1)."""
    counts = moment["counts"].sel(layer=hidden_layers(moment)).sum("layer").transpose(..., "bin").values
    edges = bin_edges(moment.sel(part="hidden"), "own")
    found = rebin(counts, moment["edge"].values, edges)
    return found / found.sum(axis=-1, keepdims=True), edges


@judge("K7", experiment="deep_mlp")
def not_log_normal(record: xr.Dataset) -> Judgement | None:
    """The log-normal law must describe \\|w\\| worse than the best of the three others in every layer, at every epoch.

    Laws are fitted by maximum likelihood to the fine histogram, folded at 0, of every weight matrix (output included)
    at epochs 1, 10 and 50. Weights that are exactly 0 are to be left out; a histogram cannot tell them from
    those beside 0, so the innermost bin (sizes below some 3e-5) is left out, and every law conditioned on the rest. How
    many weights that are, and what comes out with them, is in the notes and the text. The effect is the advantage of
    the best other law in bits per weight where it is least.
    """
    conditions, left_out = [], []
    for name in TEXT:
        chosen = one_network(record, name)
        if chosen is None:
            continue
        epochs = [int(epoch) for epoch in chosen["epoch"].values if epoch in EPOCHS]
        fits = _fits(chosen, epochs)
        trained, initial = _advantage(fits), _advantage(_fits(chosen, [0]))
        least, null = (each.min(axis=(1, 2)) for each in (trained, initial))
        effect, control = seed_interval(least), seed_interval(null)
        with_zero = with_innermost(chosen, epochs[-1])
        share = range_of(list(100 * innermost_share(chosen, epochs[-1]).ravel()), 0)
        left_out.append(
            f"{name} {share} % of a layer's weights, and with it log-normal is worse in {(with_zero > 0).sum()} of "
            f"{with_zero.size} layers and seeds"
        )
        laws = [LAWS[number] for number in fits.log_likelihood[0, -1].argmax(axis=-1)]
        count = ", ".join(f"{law} {laws.count(law)}" for law in LAWS if law in laws)
        note = (
            f"log-normal is worse in {(trained > 0).mean():.0%} of layers and epochs; best law of the first seed's "
            f"layers at epoch {epochs[-1]}: {count}; with the innermost bin, which then holds {share} % of a layer's "
            f"weights, the least is {with_zero.min():.3f}"
        )
        conditions.append(
            Condition.measured(
                name,
                effect,
                control=control,
                difference=difference_interval(least, null),
                passes=lies(span(effect), low=TINY),
                holds_in_control=lies(span(control), low=TINY) is True,
                note=note,
            )
        )
    if not conditions:
        return None
    worst = min(conditions, key=lambda condition: condition.effect)
    nulls = [c.control for c in conditions if c.control is not None]
    return conclude(
        worst,
        conditions,
        record=record,
        needed=TEXT,
        measure=f"bits per weight by which the best other law is ahead of log-normal, least of layers ({worst.name})",
        control=f"initial weights: {range_of(nulls, 3)}",
        text=f"{passing(conditions)} have log-normal worse in every layer: by "
        f"{range_of([c.effect for c in conditions], 3)} bits per weight at least, and by {range_of(nulls, 3)} before "
        "training. That is without the innermost bin, which a histogram cannot tell from 0. At the last epoch it holds "
        f"on {'; on '.join(left_out)}.",
    )


def innermost_share(chosen: xr.Dataset, epoch: int) -> np.ndarray:
    """Return the share of each matrix's weights in the innermost bin, which `not_log_normal` leaves out, (seed, layer).

    Examples
    --------
    >>> counts = xr.DataArray(np.array([[[[1, 3, 5, 1]]]]), dims=("seed", "epoch", "layer", "bin"))
    >>> made = xr.Dataset({"counts": counts.assign_coords(epoch=[9]), "edge": ("boundary", np.arange(-2.0, 3))})
    >>> innermost_share(made, 9)
    array([[0.8]])
    """
    counts = chosen["counts"].sel(epoch=epoch).transpose("seed", "layer", "bin").values
    sizes, _ = fold(counts, chosen["edge"].values)
    return np.asarray(sizes[..., 0] / sizes.sum(axis=-1))


def with_innermost(chosen: xr.Dataset, epoch: int) -> np.ndarray:
    """Return by how many bits per weight the best other law is ahead of log-normal with all weights, (seed, layer)."""
    return _advantage(_fits(chosen, [epoch], innermost=True))[:, 0]


def _fits(chosen: xr.Dataset, epochs: list[int], innermost: bool = False) -> AmplitudeFits:
    """Fit every law to every weight matrix, shapes (seed, epoch, layer, ...)."""
    counts = chosen["counts"].sel(epoch=epochs).transpose("seed", "epoch", "layer", "bin").values
    sizes, edges = fold(counts, chosen["edge"].values)
    # four fine bins in one are still narrow (some 12 % of the size), and four times as fast
    first = np.append(0 if innermost else 1, np.arange(4, sizes.shape[-1], 4))
    return fit_amplitudes(np.add.reduceat(sizes, first, axis=-1), edges[np.append(first, sizes.shape[-1])])


def _advantage(fits: AmplitudeFits) -> np.ndarray:
    """Log-likelihood of the best other law less that of the log-normal, bits per weight, (seed, epoch, layer)."""
    return np.asarray(fits.log_likelihood[..., 1:].max(axis=-1) - fits.log_likelihood[..., 0])
