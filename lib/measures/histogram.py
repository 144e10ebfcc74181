"""Histograms of weights: how values are sorted into bins, as an explicit choice that is recorded with the counts.

Every information measure on binned weights hangs on its bins. With bins over the values' own range, one outlying weight
moves the entropy; with fixed bins, the width of the distribution does. So the rule is an argument, and the edges stay
with the counts. Bins are half open, [a, b), the last one closed, as in `numpy.histogram`. Explained in the chapter on
the weights of a multilayer perceptron.
"""

import functools
import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from lib.measures._chunks import Array

RULES = ("own", "fixed", "robust", "spread")
"""Names of the binning rules, see `histogram`."""

_ELEMENTS = 2**18  # numbers binned at once on a processor: 1 MiB, so that the one reused buffer stays in its cache
_ELEMENTS_DEVICE = 2**26  # on an accelerator, where few large steps are fast
_COARSE = 4096  # bins that narrow down where a quantile lies
_kept = threading.local()  # each thread its own working memory


@dataclass(frozen=True)
class Histogram:
    """Counts with the edges and the rule they belong to."""

    counts: np.ndarray  # (..., bin), int64
    edges: np.ndarray  # (..., bin + 1), float64; the outermost are -inf and inf where there are overflow bins
    rule: str  # name of the binning rule

    @property
    def size(self) -> np.ndarray:
        """Number of values, shape (...)."""
        return np.asarray(self.counts.sum(axis=-1))

    @property
    def probabilities(self) -> np.ndarray:
        """Share of the values in each bin, shape (..., bin), float64."""
        return self.counts / self.size[..., None]

    def merge(self, factor: int) -> "Histogram":
        """Join each `factor` neighbouring bins into one; overflow bins stay apart.

        Raises
        ------
        ValueError
            If `factor` is below 1 or does not divide the number of bins without overflow.

        Examples
        --------
        >>> histogram(np.array([0.0, 1.0, 2.0, 9.0]), bins=4, rule="fixed", low=0, high=8).merge(2).counts
        array([0, 3, 0, 1])
        """
        first = int(np.isneginf(self.edges[..., 0]).all())
        last = self.counts.shape[-1] - int(np.isposinf(self.edges[..., -1]).all())
        if factor < 1 or (last - first) % factor:
            raise ValueError(f"{last - first} bins cannot be joined by {factor}; use a factor that divides them")
        lead = self.counts.shape[:-1]
        joined = self.counts[..., first:last].reshape((*lead, -1, factor)).sum(axis=-1)
        counts = np.concatenate([self.counts[..., :first], joined, self.counts[..., last:]], axis=-1)
        edges = (self.edges[..., :first], self.edges[..., first : last + 1 : factor], self.edges[..., last + 1 :])
        return Histogram(counts, np.concatenate(edges, axis=-1), self.rule)


def histogram(
    weights: Array,
    bins: int = 256,
    rule: str = "own",
    *,
    edges: np.ndarray | None = None,
    low: float = -1.0,
    high: float = 1.0,
    level: float = 0.001,
    deviations: float = 4.0,
) -> Histogram:
    """Sort all values of an array into bins.

    Parameters
    ----------
    weights
        Values of any shape, numpy array or torch tensor; counted on its device.
    bins
        Number of bins of equal width, at least 2.
    rule
        - "own": bins from the smallest to the largest value;
        - "fixed": bins from `low` to `high`, plus two overflow bins;
        - "robust": bins from the quantile `level` to the quantile 1 - `level`, plus two overflow bins;
        - "spread": bins over mean ± `deviations` standard deviations (divisor n), plus two overflow bins.
    edges
        Increasing edges, shape (bin + 1,), instead of `bins` and `rule`; the outermost may be infinite. Values beyond
        the outermost edges are counted in the end bins. Equally spaced edges and those of `asinh_edges` are fast.
    low, high
        Range of the rule "fixed".
    level
        Share of the values in each tail, rule "robust"; more than 0, less than 1/2.
    deviations
        Half the range in standard deviations, rule "spread".

    Returns
    -------
    Histogram
        `counts` of shape (bin,): `bins` numbers, or `bins` + 2 with overflow bins, the first and the last.

    Raises
    ------
    ValueError
        If there are no values, one is nan or infinite, an argument is out of its range, or the range of the values is
        too narrow beside their size for float64 edges.

    Notes
    -----
    Same counts as ``numpy.histogram``, but values within rounding error of an inner edge may fall to either side:
    float32 values are binned in float32. A range of no width (equal weights) is widened by 0.5 on either side, as
    there: all counts are in one bin. Quantiles are those of ``numpy.quantile`` with its default method.

    Examples
    --------
    >>> histogram(np.array([0.0, 1.0, 1.5, 4.0]), bins=4).counts
    array([1, 2, 0, 1])
    >>> histogram(np.array([0.0, 1.0, 1.5, 4.0]), bins=2, rule="fixed", low=0, high=2).counts
    array([0, 1, 2, 1])
    """
    values = _Values(weights)
    if edges is not None:
        edges = _require_edges(edges)
        return Histogram(values.count(edges), edges, "edges")
    span = _span(values, rule, _require_bins(bins), low, high, level, deviations)
    return _equal_bins(values, bins, span, rule)


def histograms(
    weights: Sequence[Array],
    bins: int = 256,
    rule: str = "own",
    *,
    common: bool = False,
    groups: Sequence[Sequence[int]] = (),
    edges: np.ndarray | None = None,
    low: float = -1.0,
    high: float = 1.0,
    level: float = 0.001,
    deviations: float = 4.0,
) -> Histogram:
    """Histograms of several arrays, such as the layers of a network, and of some of them as one.

    Parameters
    ----------
    weights
        Arrays, each of any shape.
    common
        Whether all share the edges over the union of their ranges, as a divergence between two of them needs.
    groups
        Numbers of the arrays whose values are counted together, such as those of all layers: one more histogram for
        each group, after those of the arrays. This costs less than to join the arrays and count again.
    bins, rule, edges, low, high, level, deviations
        See `histogram`.

    Returns
    -------
    Histogram
        `counts` of shape (array + group, bin) and `edges` of shape (array + group, bin + 1).

    Raises
    ------
    ValueError
        As `histogram`, and if there are no arrays, or a group names none, one twice, or one that is not there.

    Examples
    --------
    >>> layers = [np.array([0.0, 1.0]), np.array([0.0, 4.0])]
    >>> histograms(layers, bins=2).counts.tolist(), histograms(layers, bins=2, common=True).counts.tolist()
    ([[1, 1], [1, 1]], [[2, 0], [1, 1]])
    >>> histograms(layers, bins=2, groups=[(0, 1)]).counts.tolist()
    [[1, 1], [1, 1], [3, 1]]
    """
    if not len(weights):
        raise ValueError("there are no arrays to count; give at least one")
    for group in groups:
        if not len(group) or len(set(group)) < len(group) or not set(group) <= set(range(len(weights))):
            raise ValueError(f"group {list(group)} must name some of the arrays 0 to {len(weights) - 1}, each once")
    each = [_Values(array) for array in weights]
    if edges is not None:
        edges = _require_edges(edges)
        parts = [Histogram(values.count(edges), edges, "edges") for values in each]
        return _stacked(parts, groups)
    choice = {"low": low, "high": high, "level": level, "deviations": deviations}
    _require_bins(bins)
    if common or rule == "fixed":
        spans = [_span(values, rule, bins, **choice) for values in each]
        span = min(start for start, _ in spans), max(stop for _, stop in spans)
        return _stacked([_equal_bins(values, bins, span, rule) for values in each], groups)
    joined = [_Values.joined([each[number] for number in group]) for group in groups]
    if rule == "own" and groups:
        spans = [_widened(values.low, values.high, bins) for values in (*each, *joined)]
        counts = _counts_over_spans(each, groups, spans, bins)
        return Histogram(counts, np.stack([_edges(*span, bins) for span in spans]), rule)
    wholes = (*each, *joined)
    return _stacked([_equal_bins(values, bins, _span(values, rule, bins, **choice), rule) for values in wholes])


def asinh_edges(bins: int = 512, scale: float = 1e-3, limit: float = 2.0) -> np.ndarray:
    r"""Edges equally spaced in :math:`\operatorname{asinh}(w / s)`: narrow about 0, a constant share of w far from it.

    .. math:: e_j = s \sinh\!\big( (2 j / n - 1) \operatorname{asinh}(L / s) \big), \qquad j = 0 \ldots n

    A fine histogram over these edges holds narrow and wide distributions alike; `rebin` reads it under another rule.

    Parameters
    ----------
    bins
        Number n of bins, at least 2; a multiple of 4 lets `histogram` count fast.
    scale
        Width s of the linear part, in units of the weights.
    limit
        Outermost edge L; `histogram` counts values beyond it in the end bins.

    Returns
    -------
    numpy.ndarray
        Shape (bin + 1,), float64, symmetric about 0.

    Raises
    ------
    ValueError
        If `bins` is below 2, or `scale` or `limit` is not positive.

    Examples
    --------
    >>> asinh_edges(bins=4, scale=1, limit=3).round(3)
    array([-3.  , -1.04,  0.  ,  1.04,  3.  ])
    """
    _require_bins(bins)
    if not (0 < scale < math.inf and 0 < limit < math.inf):
        raise ValueError(f"scale {scale} and limit {limit} must be positive numbers")
    places = np.linspace(-1.0, 1.0, bins + 1)
    edges = scale * np.sinh((places - places[::-1]) / 2 * math.asinh(limit / scale))  # exactly antisymmetric
    edges[0], edges[-1] = -limit, limit
    return edges


def rebin(counts: np.ndarray, edges: np.ndarray, new_edges: np.ndarray) -> np.ndarray:
    """Counts in other bins, from counts in fine ones: each fine bin's counts are spread evenly over its width.

    Parameters
    ----------
    counts
        Shape (..., fine bin).
    edges
        Shape (fine bin + 1,), increasing; the outermost may be infinite.
    new_edges
        Shape (..., bin + 1), increasing along the last axis; leading axes broadcast with those of `counts`.

    Returns
    -------
    numpy.ndarray
        Shape (..., bin), float64, with the same sums. Counts beyond the outermost new edges are put into the end bins;
        those of an infinite fine bin are taken to lie just beyond its finite edge.

    Raises
    ------
    ValueError
        If the shapes do not fit or edges do not increase.

    Notes
    -----
    Exact where each new edge is a fine edge or the density is even within the fine bin that it cuts; otherwise an edge
    misplaces at most the counts of the one fine bin that it cuts. For samples of 262,144 weights from a normal, uniform
    or Laplace distribution with standard deviations between 0.005 and 0.2, the plug-in entropy over 256 own-range bins
    read from `asinh_edges` with its defaults is within 0.02 bits of that of direct binning. The range must be stored
    too: the outermost occupied fine bins do not tell it.

    Examples
    --------
    >>> rebin(np.array([4, 2]), np.array([0.0, 1.0, 2.0]), np.array([0.0, 0.5, 1.5, 2.0]))
    array([2., 3., 1.])
    """
    counts, edges, new = np.asarray(counts, dtype=np.float64), _require_edges(edges), np.asarray(new_edges, np.float64)
    if counts.ndim == 0 or counts.shape[-1] != edges.size - 1:
        raise ValueError(f"counts of shape {counts.shape} do not fit {edges.size} edges; there is one edge more")
    if new.ndim == 0 or new.shape[-1] < 2 or not (np.diff(new, axis=-1) > 0).all():
        raise ValueError("new edges must increase along the last axis, and be at least 2")
    below = np.concatenate([np.zeros((*counts.shape[:-1], 1)), counts.cumsum(axis=-1)], axis=-1)
    # an infinite bin shrinks to its finite edge, which all its counts lie beyond
    finite = np.where(np.isneginf(edges), edges[1], np.where(np.isposinf(edges), edges[-2], edges))
    cell = np.clip(np.searchsorted(edges, new, side="right") - 1, 0, counts.shape[-1] - 1)
    start, stop = finite[cell], finite[cell + 1]
    width = stop - start
    part = np.where(width > 0, (np.clip(new, start, stop) - start) / np.where(width > 0, width, 1), new > stop)
    lead = np.broadcast_shapes(counts.shape[:-1], new.shape[:-1])
    below, cell = np.broadcast_to(below, (*lead, below.shape[-1])), np.broadcast_to(cell, (*lead, new.shape[-1]))
    at, following = (np.take_along_axis(below, cell + step, axis=-1) for step in (0, 1))
    cumulative = at + part * (following - at)
    cumulative[..., 0], cumulative[..., -1] = 0, below[..., -1]
    return np.diff(cumulative, axis=-1)


def _stacked(parts: Sequence[Histogram], groups: Sequence[Sequence[int]] = ()) -> Histogram:
    """Put histograms together, after them the sums of groups of them, which have the edges of their first."""
    counts = [part.counts for part in parts] + [sum(parts[number].counts for number in group) for group in groups]
    edges = [part.edges for part in parts] + [parts[group[0]].edges for group in groups]
    return Histogram(np.stack(counts), np.stack(edges), parts[0].rule)


def _counts_over_spans(
    arrays: Sequence["_Values"], groups: Sequence[Sequence[int]], spans: Sequence[tuple[float, float]], bins: int
) -> np.ndarray:
    """Counts of arrays, then of groups of them, each in equal bins over its own span; each value is counted once."""
    rows = [
        [number, *(len(arrays) + place for place, group in enumerate(groups) if number in group)]
        for number in range(len(arrays))
    ]
    passed = [values.edges_passed([spans[row] for row in own], bins) for values, own in zip(arrays, rows, strict=True)]
    counts = np.zeros((len(spans), bins), dtype=np.int64)
    for number in {len(own) for own in rows}:  # arrays that are in as many groups, all at once
        alike = [place for place, own in enumerate(rows) if len(own) == number]
        own = np.array([rows[place] for place in alike])
        found = _told_apart(np.stack([passed[place] for place in alike]), np.array(spans)[own], bins)
        for places, of_array in zip(own, found, strict=True):
            counts[places] += of_array
    return counts


class _Values:
    """The flattened values of one array or several, known to be finite, with their range."""

    def __init__(self, weights: Array) -> None:
        if isinstance(weights, torch.Tensor):
            tensor = weights.detach()
        else:
            tensor = torch.from_numpy(np.require(weights, requirements=["C", "W"]))  # torch refuses other arrays
        if tensor.numel() == 0:
            raise ValueError(f"an array of shape {tuple(tensor.shape)} holds no values to count; give at least one")
        if tensor.dtype not in (torch.float32, torch.float64):
            small = tensor.dtype in (torch.float16, torch.bfloat16)
            tensor = tensor.to(torch.float32 if small else torch.float64)
        self.flats: tuple[torch.Tensor, ...] = (tensor.reshape(-1),)
        self.low, self.high = (float(end) for end in torch.aminmax(self.flats[0]))  # nan spreads to both
        if not (math.isfinite(self.low) and math.isfinite(self.high)):
            raise ValueError("some values are nan or infinite; a diverged run has no histogram, leave it out")

    @classmethod
    def joined(cls, several: Sequence["_Values"]) -> "_Values":
        """Values of several arrays as one, without a copy."""
        found = cls.__new__(cls)
        found.flats = tuple(flat for values in several for flat in values.flats)
        found.low, found.high = min(values.low for values in several), max(values.high for values in several)
        return found

    @property
    def device(self) -> torch.device:
        return self.flats[0].device

    @property
    def size(self) -> int:
        return sum(flat.numel() for flat in self.flats)

    def pieces(self) -> list[torch.Tensor]:
        size = _ELEMENTS if self.device.type == "cpu" else _ELEMENTS_DEVICE
        return [piece for flat in self.flats for piece in flat.split(size)]

    def equal_bins(self, span: tuple[float, float], bins: int, scale: float | None = None) -> np.ndarray:
        """Counts in equal bins of the values (of their asinh(value / scale)); end bins take what lies beyond them."""
        counts = self.edges_passed([span], bins, scale)
        counts[-2] += counts[-1]  # the last bin is closed
        return counts[:-1]

    def edges_passed(self, spans: Sequence[tuple[float, float]], bins: int, scale: float | None = None) -> np.ndarray:
        """How many values have passed each number of edges, the lowest of each span aside, shape (spans * bins + 1,).

        A value's bins under several spans all grow with it, so that their sum tells them all: each is counted once.
        """
        single = all(flat.dtype == torch.float32 for flat in self.flats)
        exact = not (single and all(_is_moderate(span, bins) for span in spans))
        pieces = self.pieces()
        work = _buffers(max(map(len, pieces)), torch.float64 if exact else torch.float32, self.device)
        found = []
        for piece in pieces:
            here, there = work[:, : len(piece)]
            index = self.bin_numbers(piece, spans[0], bins, scale, here)
            for span in spans[1:]:
                index += self.bin_numbers(piece, span, bins, scale, there)
            found.append(torch.bincount(index, minlength=len(spans) * bins + 1))
        return functools.reduce(torch.Tensor.add_, found).cpu().numpy()

    def bin_numbers(
        self, piece: torch.Tensor, span: tuple[float, float], bins: int, scale: float | None, out: torch.Tensor
    ) -> torch.Tensor:
        """In which bin each value of a piece lies, whole numbers in the memory of `out`."""
        low, high = span
        first, last = span if scale is None else (scale * math.sinh(end) for end in span)
        factor = bins / (high - low)
        piece = piece.to(out.dtype)
        if self.low < first or self.high > last:
            piece = torch.clamp(piece, first, last, out=out)
        if scale is not None:
            piece = torch.asinh(torch.div(piece, scale, out=out), out=out)
        # one pass instead of two where it costs no digits: the range is no narrower than its distance from 0
        if max(abs(low), abs(high)) <= 2 * (high - low):
            torch.add(torch.tensor(-low * factor, dtype=out.dtype, device=out.device), piece, alpha=factor, out=out)
        else:
            torch.sub(piece, low, out=out).mul_(factor)
        # numbers are cut to whole ones in their own place: new memory would cost more than the arithmetic
        return out.view(torch.int32 if out.dtype == torch.float32 else torch.int64).copy_(out)

    def count(self, edges: np.ndarray) -> np.ndarray:
        """Counts between any edges; values beyond them go to the end bins."""
        first, last = int(np.isneginf(edges[0])), edges.size - int(np.isposinf(edges[-1]))
        inner = edges[first:last]
        bins, low, high = inner.size - 1, float(inner[0]), float(inner[-1])
        if bins >= 2 and np.allclose(inner, np.linspace(low, high, bins + 1), rtol=0, atol=1e-9 * (high - low) / bins):
            counts = self.equal_bins((low, high), bins)
        elif (scale := _asinh_scale(inner)) is not None:
            end = math.asinh(high / scale)
            counts = self.equal_bins((-end, end), bins, scale)
        else:
            counts = self.any_bins(inner)
        return self.overflow(counts, low, high, before=bool(first), after=last < edges.size)

    def any_bins(self, edges: np.ndarray) -> np.ndarray:
        """Counts between any finite edges, by bisection; values beyond them go to the end bins."""
        bins = edges.size - 1
        bounds = torch.from_numpy(edges).to(self.device)
        total = torch.zeros(bins + 2, dtype=torch.int64, device=self.device)
        for piece in self.pieces():
            total += torch.bincount(torch.bucketize(piece.to(bounds.dtype), bounds, right=True), minlength=bins + 2)
        counts = total.cpu().numpy()
        inside = counts[1:-1].copy()
        inside[0] += counts[0]
        inside[-1] += counts[-1]
        return inside

    def overflow(self, counts: np.ndarray, low: float, high: float, before: bool, after: bool) -> np.ndarray:
        """Take the values below `low` and above `high` out of the end bins into bins of their own."""
        below = sum(int((piece < low).count_nonzero()) for piece in self.pieces()) if self.low < low and before else 0
        above = sum(int((piece > high).count_nonzero()) for piece in self.pieces()) if self.high > high and after else 0
        counts = counts.copy()
        counts[0] -= below
        counts[-1] -= above
        return np.concatenate([[below][:before], counts, [above][:after]]).astype(np.int64)

    def tails(self, level: float) -> tuple[float, float]:
        """Quantiles `level` and 1 - `level`, exact: a coarse histogram tells which few values to look at."""
        rank = level * (self.size - 1)
        k = math.floor(rank)
        lower, upper = self.low, self.high
        if lower < upper:
            counts, width = self.equal_bins((lower, upper), _COARSE), (upper - lower) / _COARSE
            # one bin further than the rank needs, so that rounding at the edge cannot cut it off
            before, after = (int(np.searchsorted(way.cumsum(), k + 2)) + 2 for way in (counts, counts[::-1]))
            lower, upper = lower + width * before, upper - width * after

        def interpolated(tail: torch.Tensor) -> float:
            here, following = (float(tail.kthvalue(min(place, tail.numel())).values) for place in (k + 1, k + 2))
            return here + (rank - k) * (following - here)

        low = interpolated(torch.cat([piece[piece <= lower] for piece in self.pieces()]))
        return low, -interpolated(-torch.cat([piece[piece >= upper] for piece in self.pieces()]))

    def mean_and_deviation(self) -> tuple[float, float]:
        n, middle = self.size, (self.low + self.high) / 2
        sums = torch.zeros(2, dtype=torch.float64, device=self.device)
        for piece in self.pieces():  # about the middle of the range, so that a large mean costs no digits
            centred = piece.to(torch.float64) - middle
            sums += torch.stack([centred.sum(), torch.dot(centred, centred)])
        shift, square = (float(s) / n for s in sums)
        return middle + shift, math.sqrt(max(0.0, square - shift**2))


def _is_moderate(span: tuple[float, float], bins: int) -> bool:
    """Whether float32 can place values: exact enough for few bins, it over- and underflows at extreme ranges."""
    low, high = span
    return bins <= 2**16 and 1e-30 < bins / (high - low) < 1e30 and max(abs(low), abs(high)) < 1e30


def _told_apart(passed: np.ndarray, spans: np.ndarray, bins: int) -> np.ndarray:
    """Counts under each span, (array, span, bin), from those by edges passed, (array, level), and spans' ends."""
    numbers, own = np.arange(bins + 1), np.arange(spans.shape[1])
    low, high = np.moveaxis(spans, -1, 0)[..., None]
    width = (high - low) / bins
    edges = low + numbers * width  # (array, span, edge)
    # how many edges of each other span lie at or below each edge: (array, span, other, edge)
    before = ((edges[:, :, None] - low[:, None]) / width[:, None]).clip(0, bins).astype(np.int64)
    before[:, own, own] = numbers  # rounding apart
    level = before.sum(axis=2)
    level[..., 0], level[..., -1] = 0, passed.shape[1]  # all values lie inside, and the last bin is closed
    below = np.concatenate([np.zeros((len(passed), 1), dtype=np.int64), passed.cumsum(axis=1)], axis=1)
    return np.diff(np.take_along_axis(below[:, None], level, axis=2), axis=2)


def _buffers(size: int, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """Memory to work in, shape (2, size), on a processor kept for the next call.

    Fresh memory costs more than the arithmetic in it.
    """
    if device.type != "cpu":
        return torch.empty(2, size, dtype=dtype, device=device)
    if not hasattr(_kept, "bytes"):
        _kept.bytes = torch.empty(2, 8 * _ELEMENTS, dtype=torch.uint8)
    kept: torch.Tensor = _kept.bytes.view(dtype)
    return kept[:, :size]


def _span(
    values: _Values, rule: str, bins: int, low: float, high: float, level: float, deviations: float
) -> tuple[float, float]:
    """First and last finite edge under a rule."""
    if rule == "own":
        return values.low, values.high
    if rule == "fixed":
        if not -math.inf < low < high < math.inf:
            raise ValueError(f"a range from {low} to {high} holds no bins; low must be below high, both finite")
        return float(low), float(high)
    if rule == "robust":
        if not 0 < level < 0.5:
            raise ValueError(f"level {level} is no share of a tail; use a number between 0 and 1/2, such as 0.001")
        return values.tails(level)
    if rule == "spread":
        if not 0 < deviations < math.inf:
            raise ValueError(f"a range of {deviations} standard deviations holds no bins; use a positive number")
        mean, deviation = values.mean_and_deviation()
        return mean - deviations * deviation, mean + deviations * deviation
    raise ValueError(f"binning rule {rule!r} is unknown; use one of {', '.join(RULES)}, or edges")


def _equal_bins(values: _Values, bins: int, span: tuple[float, float], rule: str) -> Histogram:
    low, high = _widened(*span, bins)
    counts, edges = values.equal_bins((low, high), bins), _edges(low, high, bins)
    if rule != "own":
        counts = values.overflow(counts, low, high, before=True, after=True)
        edges = np.concatenate([[-np.inf], edges, [np.inf]])
    return Histogram(counts, edges, rule)


def _widened(low: float, high: float, bins: int) -> tuple[float, float]:
    """Return a range that can be cut into bins: that given, or about its one value."""
    if low == high:
        low, high = low - 0.5, high + 0.5
    if high - low < 2 * bins * math.ulp(max(abs(low), abs(high))):
        raise ValueError(f"the range from {low} to {high} is too narrow for {bins} bins; use fewer or shift the values")
    return low, high


def _edges(low: float, high: float, bins: int) -> np.ndarray:
    edges = low + np.arange(bins + 1) * ((high - low) / bins)  # as numpy.linspace, at a tenth of its time
    edges[-1] = high
    return edges


def _asinh_scale(edges: np.ndarray) -> float | None:
    """The scale that `asinh_edges` made these edges with, None if they are others."""
    bins = edges.size - 1
    if bins % 4 or edges[0] != -edges[-1]:
        return None
    # sinh(2u) / sinh(u) = 2 cosh(u): the last edge over the one half way to it tells u, and u the scale
    ratio = edges[-1] / edges[3 * bins // 4] / 2
    if not 1 < ratio < math.inf:
        return None
    scale = float(edges[-1] / math.sinh(2 * math.acosh(ratio)))
    return scale if np.allclose(edges, asinh_edges(bins, scale, float(edges[-1])), rtol=1e-9, atol=0) else None


def _require_bins(bins: int) -> int:
    if bins < 2:
        raise ValueError(f"{bins} bins tell nothing about a distribution; use 2 or more")
    return bins


def _require_edges(edges: np.ndarray) -> np.ndarray:
    edges = np.asarray(edges, dtype=np.float64)
    if edges.ndim != 1 or edges.size < 3 or not (np.diff(edges) > 0).all() or not np.isfinite(edges[1:-1]).all():
        raise ValueError("edges must be one row of at least 3 increasing numbers, infinite at most at both ends")
    if np.isfinite(edges).sum() < 2:
        raise ValueError("edges need at least two finite numbers; infinite ends only add overflow bins")
    return edges
