"""What a `Recording` needs from an NWB file, read by pynwb. Errors give the reason alone: the caller names the file."""

import contextlib
import importlib.metadata
import inspect
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lib import provenance
from lib.data._formats import first_line

LABELS = ("stimulus_name", "stimulus", "tags", "label")
Interval = tuple[str, float, float]  # name of the stimulus, start and stop in seconds


class Found(NamedTuple):
    """Events in bins, and what was shown when."""

    events: NDArray  # (neuron, bin)
    bin_width: float  # seconds
    times: NDArray[np.float64]  # when each bin begins, seconds on the file's clock
    intervals: list[Interval]
    neuron_ids: NDArray


def read(
    path: Path,
    series: str | None,
    bin_width: float | None,
    intervals: str | Sequence[Interval] | None,
    label: str | None,
    join: float,
) -> Found:
    """Read spike times or a series, and intervals, as `lib.data.recording_files.from_nwb` describes it."""
    try:
        import pynwb
    except ImportError as error:
        raise ImportError("NWB files are read by pynwb, which is not installed: pip install 'pynwb>=2.8'.") from error
    if inspect.isabstract(pynwb.NWBFile):  # pynwb 2.8 sets no upper bound, but lacks what hdmf 5 asks for
        versions = [importlib.metadata.version(name) for name in ("pynwb", "hdmf")]
        raise ImportError(f"pynwb {versions[0]} does not work with hdmf {versions[1]}: pip install 'hdmf<5'.")
    _require_version_2(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of schemas cached in the file, which say nothing of the data
        with contextlib.ExitStack() as opened:
            try:
                content = opened.enter_context(pynwb.NWBHDF5IO(str(path), "r", load_namespaces=True)).read()
            except Exception as error:  # any of many: what is missing, or of another type than the standard says
                raise ValueError(f"pynwb cannot read it ({first_line(error)}); check it with nwbinspector") from error
            try:
                return take(content, series, bin_width, intervals, label, join)
            except ValueError:
                raise
            except Exception as error:  # values are read from the file only now
                raise ValueError(f"it is damaged ({first_line(error)}); fetch it again") from error


def take(
    content: Any,
    series: str | None,
    bin_width: float | None,
    intervals: str | Sequence[Interval] | None,
    label: str | None,
    join: float,
) -> Found:
    """Take the same from a file's content, a `pynwb.NWBFile`."""
    rows = joined(_intervals(content, intervals, label), join)
    if series is None and content.units is not None and "spike_times" in content.units.colnames:
        return _count_spikes(content.units, bin_width, rows)
    if bin_width is not None:
        raise ValueError(
            "a bin width is for spike times, and a series has its own: leave bin_width out, and use `rebinned`"
        )
    return _take_series(_choose_series(content, series), rows)


def joined(intervals: Iterable[Interval], pause: float) -> list[Interval]:
    """Sort intervals by start, and make one of those that show the same stimulus one after another.

    Examples
    --------
    >>> joined([("a", 2, 3), ("a", 0, 1.5), ("b", 3, 4), ("a", 9, 10)], pause=1)
    [('a', 0, 3), ('b', 3, 4), ('a', 9, 10)]
    """
    result: list[Interval] = []
    for name, start, stop in sorted(intervals, key=lambda interval: interval[1:]):
        if not start < stop:  # nan is not less either
            raise ValueError(
                f"an interval of {name!r} goes from {start} s to {stop} s: its stop must come after its start"
            )
        if result and result[-1][0] == name and start - result[-1][2] <= pause:
            result[-1] = (name, result[-1][1], max(stop, result[-1][2]))
        else:
            result.append((name, start, stop))
    return result


def whole_bins(times: NDArray[np.float64], bin_width: float, start: float, stop: float, name: str) -> tuple[int, int]:
    """First bin, and the bin after the last, of those that lie wholly between two times.

    Examples
    --------
    >>> whole_bins(np.array([0.0, 0.1, 0.2, 0.3]), 0.1, 0.05, 0.3, "a")
    (1, 3)
    """
    slack = 1e-6 * bin_width  # for sums of widths that are off in the last digit
    begins, ends = float(times[0]), float(times[-1]) + bin_width
    if start < begins - bin_width or stop > ends + bin_width:
        raise ValueError(
            f"{name!r} goes from {start:g} s to {stop:g} s, outside the recording of {begins:g} s to {ends:g} s: give "
            "intervals=[(name, start, stop), ...] that lie within"
        )
    first = int(np.searchsorted(times, start - slack))
    after = int(np.searchsorted(times, stop - bin_width + slack, side="right"))
    if after <= first:
        raise ValueError(
            f"{name!r} from {start:g} s to {stop:g} s holds no whole bin of {bin_width:.4g} s: at least 1 is needed, "
            "so use narrower bins, or a greater `join`"
        )
    return first, after


def _require_version_2(path: Path) -> None:
    import h5py

    from lib.netcdf import require_content  # slow to import

    if not h5py.is_hdf5(path):
        raise ValueError("it is no NWB file, for it is not HDF5; export the recording as NWB 2")
    try:
        with h5py.File(path, "r") as file:
            version = file.attrs.get("nwb_version")
            old = file["nwb_version"][()] if version is None and "nwb_version" in file else None
            file.visititems(lambda _, each: require_content(each) if isinstance(each, h5py.Dataset) else None)
    except Exception as error:  # h5py raises what it likes on damaged files
        raise ValueError(f"it is damaged ({first_line(error)}); fetch it again") from error
    if old is not None:
        raise ValueError(
            "it is of NWB 1, which pynwb does not read; for the Allen Brain Observatory use lib.data.neural"
        )
    if version is None:
        raise ValueError("it is no NWB file, for it is HDF5 without nwb_version; export the recording as NWB 2")


def _intervals(content: Any, wanted: str | Sequence[Interval] | None, label: str | None) -> list[Interval]:
    if wanted is not None and not isinstance(wanted, str):
        if not len(wanted):
            raise ValueError("the list of intervals is empty; give at least one (name, start, stop), in seconds")
        return [(str(name), float(start), float(stop)) for name, start, stop in wanted]
    tables = dict(content.intervals or {})
    for name in ("epochs", "trials"):
        if getattr(content, name) is not None:
            tables[name] = getattr(content, name)
    tables = {name: table for name, table in tables.items() if len(table)}
    if isinstance(wanted, str):
        if wanted not in tables:
            raise ValueError(f"it has no table of intervals called {wanted!r}; there are {_listed(tables)}")
        tables = {wanted: tables[wanted]}
    elif "epochs" in tables:
        tables = {"epochs": tables["epochs"]}
    else:
        tables = {name: table for name, table in tables.items() if name not in ("trials", "invalid_times")}
        if not tables:
            raise ValueError("it has no table of intervals; give intervals=[(name, start, stop), ...], in seconds")
    if label is not None and not any(label in table.colnames for table in tables.values()):
        raise ValueError(f"{_listed(tables)} has no column {label!r}; there are {_listed(_columns(tables))}")
    return [row for name, table in tables.items() for row in _rows(name, table, label)]


def _rows(name: str, table: Any, label: str | None) -> list[Interval]:
    column = next((each for each in (label, *LABELS) if each in table.colnames), None)
    names = [name] * len(table) if column is None else [_text(value) for value in table[column][:]]
    starts, stops = (np.asarray(table[key][:], dtype=np.float64) for key in ("start_time", "stop_time"))
    return list(zip(names, starts.tolist(), stops.tolist(), strict=True))


def _count_spikes(units: Any, bin_width: float | None, rows: list[Interval]) -> Found:
    if bin_width is None or not bin_width > 0:
        raise ValueError(
            f"spike times cannot be counted in bins of {bin_width} s; give bin_width in seconds, such as 0.02"
        )
    start = min(row[1] for row in rows)
    count = int((max(row[2] for row in rows) - start) / bin_width + 1e-6)
    if count < 1:
        raise ValueError(f"its intervals are shorter than a bin of {bin_width:g} s; use narrower bins")
    needed = count * (8 + 4 * len(units)) / 2**30
    if needed > provenance.memory_gib() / 2:
        raise ValueError(
            f"from its first interval to its last there are {count:,} bins of {bin_width:g} s, which need "
            f"{needed:,.0f} GiB; use wider bins, or name intervals"
        )
    edges = start + bin_width * np.arange(count + 1)
    events = np.zeros((len(units), count), np.uint32)
    for number in range(len(units)):
        spikes = np.asarray(units.get_unit_spike_times(number), dtype=np.float64)
        places = np.searchsorted(edges, spikes, side="right") - 1
        events[number] = np.bincount(places[(places >= 0) & (places < count)], minlength=count)
    return Found(events, bin_width, edges[:-1], rows, np.asarray(units.id[:]))


def _choose_series(content: Any, wanted: str | None) -> Any:
    import pynwb

    kind = pynwb.ophys.RoiResponseSeries if wanted is None else pynwb.TimeSeries
    series = [each for each in content.objects.values() if isinstance(each, kind)]
    there = {f"{each.parent.name}/{each.name}": each for each in sorted(series, key=lambda each: each.name)}
    fitting = [path for path in there if wanted in (None, path, path.rpartition("/")[2])]
    if len(fitting) == 1:
        return there[fitting[0]]
    if wanted is not None and not fitting:
        raise ValueError(f"it has no series called {wanted!r}; there are {_listed(there)}")
    if not fitting:
        raise ValueError("it has neither spike times nor a RoiResponseSeries; add one, or name a series")
    raise ValueError(f"it has {len(fitting)} series that could be meant; name one of {_listed(fitting)}")


def _take_series(series: Any, rows: list[Interval]) -> Found:
    data = np.asarray(series.data[:])
    if data.ndim != 2:
        raise ValueError(f"{series.name} has shape {data.shape}; a series of (time, neuron) is needed")
    if (series.conversion, series.offset) != (1.0, 0.0):
        data = data * series.conversion + series.offset
    if series.timestamps is not None:
        times = np.asarray(series.timestamps[:], dtype=np.float64)
        if len(times) < 2:
            raise ValueError(f"{series.name} has {len(times)} samples; at least 2 are needed to know their distance")
        width = float(np.median(np.diff(times)))
    else:
        width = 1 / series.rate
        times = series.starting_time + width * np.arange(len(data))
    rois = getattr(series, "rois", None)
    ids = np.arange(data.shape[1]) if rois is None else np.asarray(rois.table.id[:])[np.asarray(rois.data[:])]
    return Found(np.ascontiguousarray(data.T), width, times, rows, ids)


def _columns(tables: dict[str, Any]) -> list[str]:
    return sorted({column for table in tables.values() for column in table.colnames})


def _text(value: Any) -> str:
    """Name in a cell of a table: text, or several words of it."""
    return value if isinstance(value, str) else " ".join(map(str, np.atleast_1d(value)))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
