"""Neural recordings: what many neurons did, bin by bin, while one stimulus after another was shown.

A `Recording` is made from plain arrays, from an NWB file (`from_nwb`), or from a file in the layout of the stored
session (`from_npz`, `stored_session`); `lib.data.neural` makes it from the Allen Brain Observatory. Measures see none
of this: they take a table of samples and units, which `Recording.during` cuts out.
"""

import itertools
import math
import operator
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lib.data import _nwb
from lib.data._folders import named_folders
from lib.data._formats import first_line, read_npz

NPZ_KEYS = ("raster", "frame_rate_hz", "epoch_name", "epoch_start", "epoch_end", "cell_specimen_id")
STORED = "allen_501574836_mlspike.npz"
STORED_SOURCE = (
    "Allen Brain Observatory, two-photon session 501574836 (three_session_A, VISp), spikes inferred with MLspike, 1 "
    "for a frame with at least one"
)


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


def from_npz(path: str | Path, *, source: str | None = None, area: str | None = None) -> Recording:
    """Read a recording from an `.npz` file in the layout of the stored session.

    Its arrays are `raster` (neuron, bin), `frame_rate_hz`, `epoch_name`, `epoch_start`, `epoch_end` (in bins, end
    exclusive) and `cell_specimen_id`. Nothing is unpickled.

    Parameters
    ----------
    path
        The file.
    source
        Where the recording comes from; by default the file's path.
    area
        Where in the brain the neurons are.

    Returns
    -------
    Recording
        With bins of 1 / `frame_rate_hz` seconds.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, lacks an array, or holds no valid recording.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "mine.npz"
    ...     np.savez(path, raster=np.eye(3), frame_rate_hz=30.0, epoch_name=["grey"], epoch_start=[0], epoch_end=[3],
    ...              cell_specimen_id=[5, 6, 7])
    ...     from_npz(path, source="an example")
    Recording(3 neurons x 3 bins of 0.03333 s; grey; an example)
    """
    path = _require_file(path)
    try:
        arrays = read_npz(path, NPZ_KEYS)
        names, starts, ends = (np.atleast_1d(arrays[f"epoch_{key}"]) for key in ("name", "start", "end"))
        if not len(names) == len(starts) == len(ends):
            raise ValueError(f"it has {len(names)} names, {len(starts)} starts and {len(ends)} ends of epochs")
        rate = arrays["frame_rate_hz"]
        if rate.size != 1 or rate.dtype.kind not in "iuf" or not rate > 0:
            raise ValueError(f"its frame_rate_hz {rate} is no positive number")
        epochs = tuple(Epoch(str(name), start, end) for name, start, end in zip(names, starts, ends, strict=True))
        return Recording(
            events=arrays["raster"],
            bin_width=1 / float(rate),
            epochs=epochs,
            source=source or str(path),
            neuron_ids=arrays["cell_specimen_id"],
            area=area,
        )
    except OSError as error:
        raise ValueError(f"{path} cannot be used, it cannot be read ({error.strerror}): replace the file.") from error
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"{path} cannot be used, {first_line(error).rstrip('.')}: replace the file.") from error


def stored_session() -> Recording:
    """Read the stored session of the Allen Brain Observatory: 242 neurons of mouse V1, 64 minutes.

    Binary events at 30.17 Hz under drifting gratings, two natural movies, and a grey screen ("spontaneous"). Spikes
    were inferred with MLspike (Deneux et al., 2016): they are not the L0 events that `lib.data.neural` gives, and the
    session is of type A. The file `allen_501574836_mlspike.npz` is looked for in the folders named in `$BOOK_DATA` and
    in their sub-folders `allen_vc2p`.

    Returns
    -------
    Recording
        The whole session, bins between epochs included.

    Raises
    ------
    FileNotFoundError
        If the file is in none of these folders.
    ValueError
        If it is damaged.

    Notes
    -----
    Source: Allen Institute MindScope Program (2016), Allen Brain Observatory, two-photon visual coding; de Vries et al.
    (2020), Nature Neuroscience 23, 138; spikes from the repository AllenBrainAtlas/SWDB-2016.

    Examples
    --------
    >>> stored_session().during("spontaneous")  # doctest: +SKIP
    Part(spontaneous: 9,052 bins of 0.03315 s x 242 neurons)
    """
    for folder in named_folders():
        for path in (folder / STORED, folder / "allen_vc2p" / STORED):
            if os.path.lexists(path):  # a link to nowhere is named
                return from_npz(path, source=f"{STORED_SOURCE}; read from {path}", area="VISp")
    raise FileNotFoundError(
        f"{STORED} is in no folder named in BOOK_DATA: put the file, with {', '.join(NPZ_KEYS)} made from the spikes "
        "in the repository AllenBrainAtlas/SWDB-2016, into one, or use a session from lib.data.neural.load."
    )


def from_nwb(
    path: str | Path,
    *,
    series: str | None = None,
    bin_width: float | None = None,
    intervals: str | Sequence[tuple[str, float, float]] | None = None,
    label: str | None = None,
    join: float = 1.0,
    area: str | None = None,
) -> Recording:
    """Read a recording from an NWB file (version 2), by pynwb.

    Spike times of the table of units are counted in bins; a series with one column a neuron, such as deconvolved
    events, is taken as it stands. Rows of a table of intervals that show the same stimulus one after another make one
    epoch. An epoch has the bins that lie wholly within it.

    Parameters
    ----------
    path
        The file.
    series
        Name of a series of events, where needed with that of its container: "DfOverF/events". By default spike times
        are taken, and where there are none the file's only RoiResponseSeries.
    bin_width
        Width of the bins of spike times, in seconds; a series has its own.
    intervals
        Name of a table of intervals; by default `epochs`, or where there is none all other tables but those of trials
        and invalid times. Or the epochs themselves: (name of the stimulus, start, stop), in seconds on the file's
        clock.
    label
        Column with the stimulus's name; by default the first there is of stimulus_name, stimulus, tags and label, or
        else the table's name stands for all rows.
    join
        Greatest pause, in seconds, between rows of one epoch.
    area
        Where in the brain the neurons are.

    Returns
    -------
    Recording
        With the file's own ids of units or regions of interest, and its times.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ImportError
        If pynwb is not installed.
    ValueError
        If the file is no NWB file, lacks what is asked for or leaves a choice open (the names are listed), or holds no
        valid recording.

    Examples
    --------
    >>> from_nwb("session.nwb", bin_width=0.02)  # doctest: +SKIP
    Recording(58 neurons x 180,000 bins of 0.02 s; gratings, movie; session.nwb)
    """
    path = _require_file(path)
    try:
        found = _nwb.read(path, series, bin_width, intervals, label, join)
        bounds = [
            (name, *_nwb.whole_bins(found.times, found.bin_width, start, stop, name))
            for name, start, stop in found.intervals
        ]
        return Recording(
            events=found.events,
            bin_width=found.bin_width,
            epochs=tuple(Epoch(name, start, end) for name, start, end in bounds),
            source=str(path),
            neuron_ids=found.neuron_ids,
            area=area,
            times=found.times,
        )
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"{path} cannot be used: {first_line(error)}") from error


def _require_file(path: str | Path) -> Path:
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}: check the path.")
    return path


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
