"""How many values lie in each bin, counted piece by piece on the device where they are.

What :mod:`lib.measures.histogram` counts with: values once for several spans, in memory that is used again, in float32
where that is exact enough.
"""

from __future__ import annotations

import functools
import math
import threading
from collections.abc import Sequence

import numpy as np
import torch

from lib.measures._chunks import Array

_ELEMENTS = 2**18  # numbers binned at once on a processor: 1 MiB, so that the one reused buffer stays in its cache
_ELEMENTS_DEVICE = 2**26  # on an accelerator, where few large steps are fast
_COARSE = 4096  # bins that narrow down where a quantile lies
_kept = threading.local()  # each thread its own working memory


def counts_over_spans(
    arrays: Sequence[Values], groups: Sequence[Sequence[int]], spans: Sequence[tuple[float, float]], bins: int
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


class Values:
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
    def joined(cls, several: Sequence[Values]) -> Values:
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
