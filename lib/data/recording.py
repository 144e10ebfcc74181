"""Neural recordings: what many neurons did, bin by bin, while one stimulus after another was shown.

A `Recording` is made from plain arrays, by `lib.data.recording_files` from a file, or by `lib.data.neural` from the
Allen Brain Observatory. Measures see none of this: they take a table of samples and units, which `Recording.during`
cuts out.
"""

import itertools
import math
import operator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Epoch:
    """A stretch of time in which one stimulus was shown.

    Attributes
    ----------
    name : str
        Name of the stimulus; it may be shown in several epochs.
    start, end : int
        First bin, and the bin after the last.

    Raises
    ------
    ValueError
        If it has no name, starts before bin 0, or holds no bin.

    Examples
    --------
    >>> epoch = Epoch("movie", 10, 25)
    >>> epoch.bins
    15
    """

    name: str
    start: int
    end: int

    def __post_init__(self) -> None:
        for field in ("start", "end"):  # numpy's integers become Python's
            object.__setattr__(self, field, operator.index(getattr(self, field)))
        if not self.name:
            raise ValueError(f"The epoch from bin {self.start} to {self.end} has no name: give that of its stimulus.")
        if self.start < 0:
            raise ValueError(f"Epoch {self} starts before bin 0: count bins from 0.")
        if self.end <= self.start:
            raise ValueError(f"Epoch {self} is empty: its end, which is exclusive, must be greater than its start.")

    def __str__(self) -> str:
        return f"{self.name!r} ({self.start} to {self.end})"

    @property
    def bins(self) -> int:
        """Number of bins."""
        return self.end - self.start


@dataclass(frozen=True, eq=False, repr=False)
class Part:
    """The bins of one or more epochs of a stimulus, put together as a table of samples and units.

    Attributes
    ----------
    stimulus : str
        Name of the stimulus.
    z : ndarray, shape (bin, neuron)
        Events, of the recording's type: a row is a sample, a column a unit.
    epoch : ndarray of int, shape (bin,)
        Number of the epoch that each bin is from, counted through `Recording.epochs`.
    time : ndarray, shape (bin,)
        When each bin begins, in seconds, on the recording's clock.
    bin_width : float
        Length of a bin in seconds.
    running : ndarray, shape (bin,), or None
        Running speed in each bin, nan where it was not measured.
    """

    stimulus: str
    z: NDArray
    epoch: NDArray[np.int64]
    time: NDArray[np.float64]
    bin_width: float
    running: NDArray[np.float64] | None = None

    def __repr__(self) -> str:
        bins, neurons = self.z.shape
        return f"Part({self.stimulus}: {bins:,} bins of {self.bin_width:.4g} s x {neurons:,} neurons)"

    @property
    def patterns(self) -> NDArray[np.uint8]:
        """On/off patterns, shape (bin, neuron): 1 where there was any event, else 0."""
        return (self.z > 0).astype(np.uint8)

    def blocks(self, seconds: float, *, least: int = 2) -> NDArray[np.int64]:
        """Number stretches of consecutive bins, so that neighbours in time can be kept in one fold.

        Neighbouring bins are alike: where one is learned from and the next is scored, an estimate is too good. Each
        epoch of n bins is cut into floor(n / k) blocks that differ by a bin at most, where k is `seconds` in bins,
        rounded; no block goes across two epochs.

        Parameters
        ----------
        seconds
            Least length of a block, in seconds.
        least
            Number of blocks needed, such as the number of folds.

        Returns
        -------
        ndarray of int, shape (bin,)
            Number of each bin's block, from 0 on: `groups` of `lib.measures.patterns.pattern_entropy`.

        Raises
        ------
        ValueError
            If an epoch is shorter than a block, there are fewer than `least` blocks, or `seconds` is less than a bin.

        Examples
        --------
        >>> recording = Recording(np.zeros((2, 9)), 0.5, (Epoch("grey", 0, 4), Epoch("grey", 4, 9)), "made up")
        >>> recording.during("grey").blocks(1.0)
        array([0, 0, 1, 1, 2, 2, 2, 3, 3])
        """
        size = _whole_bins(seconds, self.bin_width)
        labels: list[NDArray[np.int64]] = []
        count = 0
        for number, bins in zip(*np.unique(self.epoch, return_counts=True), strict=True):
            if bins < size:
                raise ValueError(
                    f"Epoch {number} of {self.stimulus!r} has {bins} bins, but a block of {seconds:g} s needs {size}: "
                    "use shorter blocks, or leave this epoch out."
                )
            inside = int(bins // size)
            labels.append(count + np.arange(bins) * inside // bins)
            count += inside
        if count < least:
            raise ValueError(
                f"{self.stimulus!r} has {len(self.z)} bins, but {least} blocks of {seconds:g} s need {least * size}: "
                "use shorter blocks."
            )
        return np.concatenate(labels)


@dataclass(frozen=True, eq=False, repr=False)
class Recording:
    """Events of many neurons in time bins of one width, and what was shown when.

    Attributes
    ----------
    events : ndarray, shape (neuron, bin)
        What each neuron did in each bin: 0 and 1, counts, or amplitudes of deconvolved events; never negative.
    bin_width : float
        Length of a bin in seconds.
    epochs : tuple of Epoch
        Stretches with a stimulus, in order, not overlapping; time between them belongs to none.
    source : str
        Where the recording comes from, and how its events were found.
    neuron_ids : ndarray, shape (neuron,), optional
        The laboratory's names or numbers of the neurons.
    area : str, optional
        Where in the brain they are, such as VISp.
    running : ndarray, shape (bin,), optional
        Running speed of the animal (cm/s in the Allen Brain Observatory), nan where it was not measured.
    times : ndarray, shape (bin,), optional
        When each bin begins, in seconds; without it bin k begins at k times `bin_width`.

    Raises
    ------
    ValueError
        If shapes do not fit, there are fewer than two neurons, events are nan or negative, the bin width is not
        positive, or epochs are unsorted, overlapping, or outside the recording.

    Examples
    --------
    >>> events = np.random.default_rng(0).random((3, 100)) < 0.1
    >>> epochs = (Epoch("grey", 0, 40), Epoch("movie", 50, 80), Epoch("grey", 80, 100))
    >>> recording = Recording(events, 0.1, epochs, "made up")
    >>> recording
    Recording(3 neurons x 100 bins of 0.1 s; grey, movie; made up)
    >>> recording.stimuli
    ('grey', 'movie')
    >>> recording.during("grey").z.shape
    (60, 3)
    """

    events: NDArray
    bin_width: float
    epochs: tuple[Epoch, ...]
    source: str
    neuron_ids: NDArray | None = None
    area: str | None = None
    running: NDArray[np.float64] | None = None
    times: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        events = np.asarray(self.events).view()
        _require_events(events)
        events.flags.writeable = False
        object.__setattr__(self, "events", events)
        if not (math.isfinite(self.bin_width) and self.bin_width > 0):
            raise ValueError(f"A bin width of {self.bin_width} s is not positive: give the length of a bin in seconds.")
        object.__setattr__(self, "epochs", tuple(self.epochs))
        _require_epochs(self.epochs, self.n_bins)
        if not self.source:
            raise ValueError("A recording without a source cannot be cited: say in one sentence where it comes from.")
        for field, size, unit in (
            ("neuron_ids", self.n_neurons, "neuron"),
            ("running", self.n_bins, "bin"),
            ("times", self.n_bins, "bin"),
        ):
            value = getattr(self, field)
            if value is None:
                continue
            array = np.asarray(value) if field == "neuron_ids" else np.asarray(value, dtype=np.float64)
            if array.shape != (size,):
                raise ValueError(
                    f"{field} of shape {array.shape} does not fit {size} {unit}s: give one value per {unit}."
                )
            object.__setattr__(self, field, array)
        if self.times is not None and not np.all(np.diff(self.times) > 0):  # nan is not greater either
            first = int(np.argmin(np.diff(self.times) > 0))
            raise ValueError(
                f"Times do not grow: bin {first + 1} begins at {self.times[first + 1]} s, after {self.times[first]} s; "
                "put the bins in order."
            )

    def __repr__(self) -> str:
        return (
            f"Recording({self.n_neurons:,} neurons x {self.n_bins:,} bins of {self.bin_width:.4g} s; "
            f"{', '.join(self.stimuli)}; {self.source})"
        )

    @property
    def n_neurons(self) -> int:
        """Number of neurons."""
        return self.events.shape[0]

    @property
    def n_bins(self) -> int:
        """Number of time bins, those between epochs included."""
        return self.events.shape[1]

    @property
    def stimuli(self) -> tuple[str, ...]:
        """Names of the stimuli, in order of first appearance."""
        return tuple(dict.fromkeys(epoch.name for epoch in self.epochs))

    def epochs_of(self, stimulus: str) -> tuple[Epoch, ...]:
        """Return the epochs in which a stimulus was shown.

        Raises
        ------
        ValueError
            If it was never shown.

        Examples
        --------
        >>> epochs = (Epoch("a", 0, 4), Epoch("b", 4, 6), Epoch("a", 6, 9))
        >>> Recording(np.zeros((2, 9)), 0.1, epochs, "made up").epochs_of("a")
        (Epoch(name='a', start=0, end=4), Epoch(name='a', start=6, end=9))
        """
        found = tuple(epoch for epoch in self.epochs if epoch.name == stimulus)
        if not found:
            raise ValueError(f"No epoch shows {stimulus!r}: choose one of {', '.join(self.stimuli)}.")
        return found

    def during(self, which: str | Epoch) -> Part:
        """Put together the bins of all epochs of a stimulus, or take those of one epoch.

        Parameters
        ----------
        which
            Name of a stimulus, or one of `epochs`, such as each of `epochs_of(stimulus)` in turn to average over them.

        Returns
        -------
        Part
            Bins as samples, neurons as units.

        Raises
        ------
        ValueError
            If there is no such stimulus or epoch.

        Examples
        --------
        >>> events = np.arange(10).reshape(2, 5)
        >>> recording = Recording(events, 0.5, (Epoch("a", 0, 2), Epoch("b", 2, 4), Epoch("a", 4, 5)), "counted")
        >>> part = recording.during("a")
        >>> part.z.tolist(), part.epoch.tolist(), part.time.tolist()
        ([[0, 5], [1, 6], [4, 9]], [0, 0, 2], [0.0, 0.5, 2.0])
        >>> recording.during(recording.epochs[2]).z.tolist()
        [[4, 9]]
        """
        if isinstance(which, Epoch):
            if which not in self.epochs:
                raise ValueError(f"Epoch {which} is none of this recording's: take it from `epochs`.")
            wanted: tuple[Epoch, ...] = (which,)
        else:
            wanted = self.epochs_of(which)
        bins = np.concatenate([np.arange(epoch.start, epoch.end) for epoch in wanted])
        numbers = np.repeat([self.epochs.index(epoch) for epoch in wanted], [epoch.bins for epoch in wanted])
        return Part(
            stimulus=wanted[0].name,
            z=np.ascontiguousarray(self.events[:, bins].T),
            epoch=numbers,
            time=self._times()[bins],
            bin_width=self.bin_width,
            running=None if self.running is None else self.running[bins],
        )

    def select(self, neurons: ArrayLike) -> "Recording":
        """Return the same recording with some of its neurons.

        Parameters
        ----------
        neurons
            Their numbers, counted from 0, in the order wanted; or a mask of `n_neurons` truth values.

        Raises
        ------
        ValueError
            If fewer than two are left, one comes twice, or there is none of that number.

        Examples
        --------
        >>> recording = Recording([[1], [2], [3]], 1.0, (Epoch("a", 0, 1),), "counted", neuron_ids=[7, 8, 9])
        >>> recording.select([2, 0]).neuron_ids
        array([9, 7])
        """
        chosen = np.asarray(neurons)
        if chosen.dtype == bool and chosen.shape == (self.n_neurons,):
            chosen = np.flatnonzero(chosen)
        if chosen.ndim != 1 or (chosen.size and chosen.dtype.kind not in "iu"):
            raise ValueError(
                f"Neurons of type {chosen.dtype} and shape {chosen.shape} select nothing: give a list of numbers or a "
                f"mask of {self.n_neurons} truth values."
            )
        chosen = chosen.astype(np.int64)
        if outside := [int(number) for number in chosen if not 0 <= number < self.n_neurons]:
            raise ValueError(f"There is no neuron {outside[0]}: numbers go from 0 to {self.n_neurons - 1}.")
        if len(np.unique(chosen)) < len(chosen):
            raise ValueError("A neuron is chosen twice, and a copy adds no entropy: name each neuron once.")
        ids = None if self.neuron_ids is None else self.neuron_ids[chosen]
        return replace(self, events=self.events[chosen], neuron_ids=ids)

    def rebinned(self, seconds: float, how: Literal["sum", "any"] = "sum") -> "Recording":
        """Return the recording in wider bins.

        k old bins make a new one, where k is `seconds` in old bins, rounded; the new width is exactly k old ones. New
        bins begin where an epoch begins and never go across its end: what is left over there is dropped, at most k - 1
        bins, and so is the time between epochs. `times` says when each new bin began.

        Parameters
        ----------
        seconds
            Width of the new bins, in seconds.
        how
            What a new bin holds: "sum" of its old bins (binary events become counts), or "any", 1 if one of them had an
            event.

        Returns
        -------
        Recording
            Sums are of numpy's default integer or of the events' own floating-point type, "any" is uint8. Running speed
            is averaged over the old bins in which it was measured.

        Raises
        ------
        ValueError
            If `seconds` is less than the present bin width, or an epoch holds less than one new bin.

        Examples
        --------
        >>> recording = Recording([[1, 0, 1, 1, 1], [0, 0, 1, 0, 1]], 0.5, (Epoch("a", 0, 5),), "made up")
        >>> recording.rebinned(1.0).events.tolist()
        [[1, 2], [0, 1]]
        >>> recording.rebinned(1.0, "any").events.tolist()
        [[1, 1], [0, 1]]
        """
        if how not in ("sum", "any"):
            raise ValueError(f"how must be 'sum' or 'any', not {how!r}.")
        size = _whole_bins(seconds, self.bin_width)
        firsts, epochs, count = [], [], 0
        for epoch in self.epochs:
            if epoch.bins < size:
                raise ValueError(
                    f"Epoch {epoch} has {epoch.bins} bins, but a new bin of {seconds:g} s needs {size}: use narrower "
                    "bins, or leave this epoch out."
                )
            inside = epoch.bins // size
            firsts.append(epoch.start + size * np.arange(inside))
            epochs.append(Epoch(epoch.name, count, count + inside))
            count += inside
        starts = np.concatenate(firsts)
        kind = np.uint8 if how == "any" else self.events.dtype if self.events.dtype.kind == "f" else np.int64
        events = np.zeros((self.n_neurons, count), kind)
        for offset in range(size):  # one old bin of every new one at a time spares a wide copy of all events
            old = self.events[:, starts + offset]
            events = events | (old > 0) if how == "any" else events + old
        return replace(
            self,
            events=events,
            bin_width=size * self.bin_width,
            epochs=tuple(epochs),
            running=None
            if self.running is None
            else _mean_of_measured(self.running[starts[:, None] + np.arange(size)]),
            times=self._times()[starts],
        )

    def _times(self) -> NDArray[np.float64]:
        return np.arange(self.n_bins) * self.bin_width if self.times is None else self.times


def _require_events(events: NDArray) -> None:
    if events.ndim != 2 or events.shape[1] == 0:
        raise ValueError(
            f"Events of shape {events.shape} are no table of neurons and time bins: give an array (neurons, bins)."
        )
    if len(events) < 2:
        raise ValueError(f"A recording of {len(events)} neurons is no population: give 2 neurons or more.")
    if events.dtype.kind not in "buif":
        raise ValueError(f"Events of type {events.dtype} are no events: give 0 and 1, counts, or amplitudes.")
    if events.dtype.kind == "f":
        wrong = ~np.isfinite(events)
        if wrong.any():
            neuron = int(np.argmax(wrong.any(1)))
            value = events[neuron, np.argmax(wrong[neuron])]
            raise ValueError(
                f"Events hold {value} in {wrong[neuron].sum():,} bins of neuron {neuron} ({wrong.any(1).sum()} such "
                "neurons): leave these neurons out, or cut the recording where they were not measured."
            )
    if events.dtype.kind in "if" and events.min() < 0:
        row, place = np.unravel_index(int(np.argmin(events)), events.shape)
        raise ValueError(
            f"Events hold {events[row, place]} (neuron {row}, bin {place}), but cannot be negative: give spikes, "
            "counts or deconvolved events, not fluorescence."
        )


def _require_epochs(epochs: tuple[Epoch, ...], bins: int) -> None:
    if not epochs:
        raise ValueError(f"The recording has no epoch: give at least one, such as Epoch('all', 0, {bins}).")
    for epoch in epochs:
        if epoch.end > bins:
            raise ValueError(f"Epoch {epoch} ends outside the recording of {bins} bins: cut it, or give all bins.")
    for before, after in itertools.pairwise(epochs):
        if after.start < before.start:
            raise ValueError(f"Epoch {after} is listed after {before}: sort the epochs by their start.")
        if after.start < before.end:
            raise ValueError(
                f"Epochs {before} and {after} overlap in {min(before.end, after.end) - after.start} bins: a bin shows "
                "one stimulus, and ends are exclusive."
            )


def _whole_bins(seconds: float, bin_width: float) -> int:
    """Number of bins nearest to a length of time, which must be one bin at least."""
    if not (math.isfinite(seconds) and seconds >= bin_width * (1 - 1e-6)):
        raise ValueError(f"{seconds:g} s is less than a bin of {bin_width:.4g} s: give that or more.")
    return round(seconds / bin_width)


def _mean_of_measured(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the last axis of what is not nan; nan where all is."""
    measured = ~np.isnan(values)
    total = np.where(measured, values, 0).sum(-1)
    count = measured.sum(-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
