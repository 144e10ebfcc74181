"""Recordings from files: NWB (`from_nwb`), or the layout of the stored session (`from_npz`, `stored_session`)."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lib.data import _nwb
from lib.data._folders import named_folders
from lib.data._formats import first_line, read_npz
from lib.data.recording import Epoch, Recording

NPZ_KEYS = ("raster", "frame_rate_hz", "epoch_name", "epoch_start", "epoch_end", "cell_specimen_id")
STORED = "allen_501574836_mlspike.npz"
STORED_SOURCE = (
    "Allen Brain Observatory, two-photon session 501574836 (three_session_A, VISp), spikes inferred with MLspike, 1 "
    "for a frame with at least one"
)


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
