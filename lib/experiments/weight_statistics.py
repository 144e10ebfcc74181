"""What is kept of weight matrices at one moment: histograms under several rules, moments, distances between layers.

And how it is read again: places in the complexity-entropy plane, edges of bins, laws of the same moments. Shared by the
experiments of chapters 2 to 4. A *part* is one weight matrix, named by its number from 1 or ``output``, or the weights
of several: ``hidden`` (all matrices but the last) and ``all``. Biases and batch norm's scales are in none.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from lib.measures.complexity import complexity_entropy, family_probabilities
from lib.measures.entropy import jensen_shannon, kl_between_halves, kl_from_counts
from lib.measures.histogram import asinh_edges, histograms

RULES = ("own", "fixed", "robust", "spread")
"""Binning rules of single parts; see `lib.measures.histogram`."""

EDGES = ("common", "fixed")
"""Edges for comparing layers: over the range of all hidden layers at that moment, or the same at all times."""

BINS = (64, 128, 256)
"""Numbers of bins, without the two that catch what lies outside."""

FIXED = (-1.0, 1.0)
"""Range of the fixed edges."""

FINE = asinh_edges(512, scale=1e-3, limit=2.0)
"""Edges of the stored fine histograms: some 3 % wide relative to the weight, 1e-4 wide about 0."""

PSEUDO_COUNT = 0.5  # added to every bin before a Kullback-Leibler divergence
_REPEATS = 5  # random halvings of a layer


def part_names(depth: int) -> list[str]:
    """Return the names of the parts of a network with `depth` hidden layers.

    Examples
    --------
    >>> part_names(2)
    ['1', '2', 'output', 'hidden', 'all']
    """
    return [*layer_names(depth), "hidden", "all"]


def layer_names(depth: int) -> list[str]:
    """Return the names of the weight matrices of a network with `depth` hidden layers."""
    return [*map(str, range(1, depth + 1)), "output"]


def weight_statistics(matrices: Sequence[Tensor], generator: np.random.Generator) -> xr.Dataset:
    """Reduce the weight matrices of one network.

    Parameters
    ----------
    matrices
        From the first layer to the output.
    generator
        Draws the halves of a layer.

    Returns
    -------
    Dataset
        Dimensions ``part``, ``layer``, ``pair`` (successive layers), ``rule``, ``edges``, ``bins``, ``bin``.
    """
    depth = len(matrices) - 1
    flat = [matrix.detach().flatten() for matrix in matrices]
    hidden = torch.cat(flat[:-1])
    parts = [*flat, hidden, torch.cat([hidden, flat[-1]])]
    found = xr.merge(
        [
            _coordinates(flat),
            _moments(parts).assign_coords(part=part_names(depth)),
            _between_layers(flat[:-1], generator),
        ],
        combine_attrs="drop_conflicts",
    )
    counts = histograms(flat, edges=FINE).counts.astype(np.int32)
    found["counts"] = (("layer", "bin"), counts, _attrs("weights in each fine bin", "1"))
    return found.assign_coords(
        part=part_names(depth), layer=layer_names(depth), rule=list(RULES), edges=list(EDGES), bins=list(BINS)
    )


def _attrs(long_name: str, units: str) -> dict[str, str]:
    return {"long_name": long_name, "units": units}


def _coordinates(flat: Sequence[Tensor]) -> xr.Dataset:
    """Entropy and disequilibrium of every part, under every rule, with every number of bins."""
    wholes = [range(len(flat) - 1), range(len(flat))]  # the hidden layers, and those with the output
    shape = (len(RULES), len(BINS), len(flat) + len(wholes))
    entropy, disequilibrium, outside = np.empty(shape), np.empty(shape), np.empty((len(RULES), shape[-1]))
    for r, rule in enumerate(RULES):
        finest = histograms(flat, BINS[-1], rule, groups=wholes, low=FIXED[0], high=FIXED[1])
        outside[r] = 0.0 if rule == "own" else (finest.counts[:, 0] + finest.counts[:, -1]) / finest.size
        for b, bins in enumerate(BINS):
            found = complexity_entropy(finest.merge(BINS[-1] // bins).counts)
            entropy[r, b], disequilibrium[r, b] = found.entropy, found.disequilibrium
    dims = ("rule", "bins", "part")
    return xr.Dataset(
        {
            "entropy": (dims, entropy, _attrs("plug-in entropy H of the weights' histogram", "bits")),
            "disequilibrium": (dims, disequilibrium, _attrs("Jensen-Shannon divergence D from uniform", "bits")),
            "outside": (("rule", "part"), outside, _attrs("share of weights in the two outer bins", "1")),
        }
    )


def _moments(parts: Sequence[Tensor]) -> xr.Dataset:
    rows = []
    for part in parts:
        mean = part.mean(dtype=torch.float64)
        centred = part - mean.to(part.dtype)
        square = centred.square_()
        variance = square.mean(dtype=torch.float64)
        fourth = square.square_().mean(dtype=torch.float64)
        kurtosis = fourth / variance**2 - 3 if variance > 0 else torch.nan
        rows.append([float(v) for v in (part.min(), part.max(), mean, variance**0.5, kurtosis)])
    low, high, mean, sd, kurtosis = np.array(rows).T
    return xr.Dataset(
        {
            "low": ("part", low, _attrs("smallest weight", "1")),
            "high": ("part", high, _attrs("largest weight", "1")),
            "mean": ("part", mean, _attrs("mean weight", "1")),
            "sd": ("part", sd, _attrs("standard deviation of the weights", "1")),
            "kurtosis": ("part", kurtosis, _attrs("excess kurtosis of the weights", "1")),
        }
    )


def _between_layers(hidden: Sequence[Tensor], generator: np.random.Generator) -> xr.Dataset:
    """Divergences between successive hidden layers, and between two halves of each, on edges that all share."""
    pairs = [f"{number}-{number + 1}" for number in range(1, len(hidden))]
    names = [str(number) for number in range(1, len(hidden) + 1)]
    between, halves = [], []
    for edges in EDGES:
        if edges == "common":
            counts = histograms(hidden, BINS[-1], "own", common=True).counts
        else:
            counts = histograms(hidden, BINS[-1], "fixed", low=FIXED[0], high=FIXED[1]).counts
        share = counts / counts.sum(-1, keepdims=True)
        first, second = counts[:-1], counts[1:]
        between.append(
            [
                kl_from_counts(first, second, PSEUDO_COUNT),
                kl_from_counts(second, first, PSEUDO_COUNT),
                jensen_shannon(share[:-1], share[1:]),
            ]
        )
        halves.append(kl_between_halves(counts, generator, repeats=_REPEATS, pseudocount=PSEUDO_COUNT))
    kinds = ("forwards", "backwards", "jensen-shannon")
    null = np.array([[each.kl, each.jsd, each.entropy_difference] for each in halves])
    return xr.Dataset(
        {
            "divergence": (
                ("edges", "kind", "pair"),
                np.array(between).reshape(len(EDGES), 3, len(pairs)),
                _attrs("divergence between successive hidden layers, 256 bins", "bits"),
            ),
            "halves": (
                ("edges", "measure", "half"),
                null,
                _attrs("the same between two random halves of one layer: its bias", "bits"),
            ),
        },
        coords={
            "kind": list(kinds),
            "pair": pairs,
            "half": names,
            "measure": ["kl", "jensen-shannon", "entropy difference"],
        },
    )


def occupied_bins(matrices: Sequence[Tensor]) -> xr.DataArray:
    """Count the bins that each weight matrix occupies, under every rule: what the entropy's bias depends on."""
    flat = [matrix.detach().flatten() for matrix in matrices]
    found = np.empty((len(RULES), len(BINS), len(flat)), dtype=np.int16)
    for r, rule in enumerate(RULES):
        finest = histograms(flat, BINS[-1], rule, low=FIXED[0], high=FIXED[1])
        for b, bins in enumerate(BINS):
            found[r, b] = (finest.merge(BINS[-1] // bins).counts > 0).sum(-1)
    return xr.DataArray(found, dims=("rule", "bins", "layer"), attrs=_attrs("bins that hold a weight", "1"))


# -- reading it again -------------------------------------------------------------------------------------------------


def cells(rule: str, bins: int = BINS[-1]) -> int:
    """Return the size of the alphabet: the bins, and under every rule but ``own`` one beyond either end.

    Examples
    --------
    >>> cells("own", 128), cells("fixed", 128)
    (128, 130)
    """
    return bins if rule == "own" else bins + 2


def weights_are_left(chosen: xr.Dataset, part: str | list[str] = "hidden") -> xr.DataArray:
    """Tell, by seed and epoch, whether weights still have a hundredth of the spread that they began with.

    Where nothing holds weights, decay takes them to 0. What bins that follow their range then show is the shape of
    rounding errors.

    Examples
    --------
    >>> sd = xr.DataArray([[[0.1, 0.05, 1e-9]]], dims=("part", "seed", "epoch"), coords={"part": ["hidden"]})
    >>> weights_are_left(xr.Dataset({"sd": sd})).values
    array([[ True,  True, False]])
    """
    spread = chosen["sd"].sel(part=part)
    return spread > 0.01 * spread.isel(epoch=0)


def place_of(
    chosen: xr.Dataset, rule: str = "own", part: str | list[str] = "hidden", bins: int = BINS[-1]
) -> xr.Dataset:
    """Return :func:`coordinates` under one rule; weights that have decayed away are without complexity, as one value.

    Parameters
    ----------
    chosen
        Networks of one kind over epochs, with what `weight_statistics` returned at each.
    rule, part, bins
        Binning rule, part or parts of the network, number of bins.
    """
    place = coordinates(chosen.sel(rule=rule, part=part), bins)
    return place.assign(C=place["C"].where(weights_are_left(chosen, part), 0))


def coordinates(chosen: xr.Dataset, bins: int = BINS[-1]) -> xr.Dataset:
    """Return the places in the complexity-entropy plane that belong to the stored entropy and disequilibrium.

    Parameters
    ----------
    chosen
        What `weight_statistics` returned, stacked along any dimensions, or a part of it: all rules or one.
    bins
        Number of bins.

    Returns
    -------
    Dataset
        ``H`` and ``D`` in bits, ``C`` = H D in bits squared, and the normalised ``h`` and ``c``, by whatever is left.
        See `lib.measures.complexity.complexity_entropy`.

    Notes
    -----
    Weight decay can shrink weights that no gradient holds until their standard deviation is 0 in float32 (below 1e-22
    or so), though they still differ in their last digits. These are equal weights, in a single bin: bins over a range
    of 1e-30 would spread rounding errors out as if they were a distribution.

    Examples
    --------
    >>> stored = weight_statistics([torch.linspace(-1, 1, 4096), torch.ones(10)], np.random.default_rng(0))
    >>> place = coordinates(stored.sel(rule="own", part="1"))
    >>> float(place["H"]), float(place["c"])
    (8.0, 0.0)
    """
    stored = chosen[["entropy", "disequilibrium"]].sel(bins=bins)
    entropy, disequilibrium, differ = xr.broadcast(stored["entropy"], stored["disequilibrium"], chosen["sd"] != 0)
    dims = entropy.dims
    sizes = [cells(str(rule), bins) for rule in np.atleast_1d(stored["rule"].values)]
    of_rule = [-1 if dim == "rule" else 1 for dim in dims]  # of one rule without a dimension all are 1
    full = np.log2(sizes).reshape(of_rule)
    single = np.array([float(complexity_entropy(np.eye(1, n)[0]).disequilibrium) for n in sizes]).reshape(of_rule)
    # plain arrays from here: judges ask this often, and aligning coordinates takes longer than the sums
    H = np.where(differ.values, entropy.values, 0)
    D = np.where(differ.values, disequilibrium.values, single)
    found = {"H": H, "D": D, "C": H * D, "h": H / full, "c": H / full * D / single}
    return xr.Dataset({name: (dims, values) for name, values in found.items()}, coords=stored.coords)


def bin_edges(chosen: xr.Dataset, rule: str, bins: int = BINS[-1]) -> np.ndarray:
    """Return the edges of a rule's bins, from the stored moments.

    Parameters
    ----------
    chosen
        As of `coordinates`, with the parts that are wanted; under the rule ``robust`` these are single layers, whose
        quantiles are read from the fine histogram.
    rule
        One of :data:`RULES`.
    bins
        Number of bins between the outermost finite edges.

    Returns
    -------
    numpy.ndarray
        Dimensions of ``chosen["sd"]`` and one more, the edges: `bins` + 1, or with infinite ends `bins` + 3.

    Raises
    ------
    ValueError
        If the rule is unknown.

    Examples
    --------
    >>> stored = weight_statistics([torch.linspace(-1, 1, 4096), torch.ones(10)], np.random.default_rng(0))
    >>> bin_edges(stored.sel(part="1"), "own", bins=4)
    array([-1. , -0.5,  0. ,  0.5,  1. ])
    """
    low, high, mean, sd = (chosen[name].values.astype(np.float64) for name in ("low", "high", "mean", "sd"))
    if rule == "fixed":
        low, high = (np.full_like(sd, end) for end in FIXED)
    elif rule == "robust":
        low, high = (_quantiles(chosen, level) for level in (0.001, 0.999))
    elif rule == "spread":
        low, high = mean - 4 * sd, mean + 4 * sd
    elif rule != "own":
        raise ValueError(f"There are no bins of the rule {rule!r}: choose one of {', '.join(RULES)}.")
    inner = np.linspace(low, high, bins + 1, axis=-1)
    if rule == "own":
        return inner
    ends = np.full((*inner.shape[:-1], 1), np.inf)
    return np.concatenate([-ends, inner, ends], axis=-1)


def _quantiles(chosen: xr.Dataset, level: float) -> np.ndarray:
    """Quantile of the weights of single layers, read from the fine histogram."""
    by_part = chosen["counts"].sel(layer=chosen["part"]).transpose(*chosen["sd"].dims, "bin").values
    share = by_part.cumsum(-1) / by_part.sum(-1, keepdims=True)
    cell = (share < level).sum(-1)
    below, above = (np.take_along_axis(share, np.maximum(cell - back, 0)[..., None], -1)[..., 0] for back in (1, 0))
    below = np.where(cell > 0, below, 0)
    return np.asarray(FINE[cell] + (FINE[cell + 1] - FINE[cell]) * (level - below) / (above - below))


def family_coordinates(chosen: xr.Dataset, family: str, rule: str = "own", bins: int = BINS[-1]) -> xr.Dataset:
    """Return H and C that a law with the weights' own moments has over the bins of the weights.

    Parameters
    ----------
    chosen
        As of `bin_edges`.
    family
        One of `lib.measures.complexity.FAMILIES`, matched to mean and standard deviation (and kurtosis).
    rule, bins
        As of `bin_edges`.

    Returns
    -------
    Dataset
        ``H`` in bits and ``C`` in bits squared, dimensions of ``chosen["sd"]``.

    Raises
    ------
    ValueError
        As `bin_edges` and `lib.measures.complexity.family_probabilities`.

    Examples
    --------
    >>> stored = weight_statistics([torch.linspace(-1, 1, 4096), torch.ones(10)], np.random.default_rng(0))
    >>> float(family_coordinates(stored.sel(part="1"), "uniform")["H"].round(2))
    8.0
    """
    names = ("mean", "sd", "kurtosis") if family == "student t" else ("mean", "sd")
    moments = {name: chosen[name].values.astype(np.float64) for name in names}
    found = complexity_entropy(family_probabilities(family, bin_edges(chosen, rule, bins), **moments))
    return xr.Dataset({"H": (chosen["sd"].dims, found.entropy), "C": (chosen["sd"].dims, found.complexity)})
