"""Two-photon recordings of mouse visual cortex from the Allen Brain Observatory, through allensdk.

`sessions` lists them, `load` makes a `lib.data.recording.Recording` of one. Both keep what they fetch in a folder laid
out as allensdk's own `BrainObservatoryCache` does, so a folder that is there already can be used. allensdk is imported
only when one of them is called.
"""

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lib.data._formats import first_line
from lib.data._observatory import fetch_missing, files_of, observatory_in, published_table, quiet, size_of
from lib.data.recording import Epoch, Recording

AREAS = ("VISp", "VISl", "VISrl")  # those of the text: primary, lateral, rostrolateral

# Types of session, and the column of the table of cells that has a number for each cell found in one: how reliably it
# answers to natural movie one, which is shown in all of them.
SESSION_TYPES = {
    "three_session_A": "reliability_nm1_a",
    "three_session_B": "reliability_nm1_b",
    "three_session_C": "reliability_nm1_c",
    "three_session_C2": "reliability_nm1_c",
}


@dataclass(frozen=True)
class Session:
    """One recording session of the Allen Brain Observatory, before it is loaded.

    Attributes
    ----------
    id : int
        The ophys experiment's id, which `load` takes.
    area : str
        Area of visual cortex, such as VISp (primary).
    session_type : str
        Which stimuli were shown: one of `SESSION_TYPES`.
    cells : int
        Number of cells according to the published table of cells; the file itself may hold a few more, of which no
        answer to natural movie one is given.
    depth : int
        Imaging depth in micrometres.
    cre_line : str or None
        Driver line, which decides the type of the neurons.
    container : int
        The experiment container's id: the sessions of one field of view.
    size : int or None
        Size of the session's two files in bytes; None where it is not known.
    cached : bool
        Whether both files are here.
    """

    id: int
    area: str
    session_type: str
    cells: int
    depth: int
    cre_line: str | None
    container: int
    size: int | None
    cached: bool


def sessions(
    cache_folder: str | Path | None = None,
    areas: Sequence[str] = AREAS,
    session_type: str = "three_session_B",
    more_than: int = 50,
    *,
    sizes: bool = False,
) -> list[Session]:
    """List sessions of the Allen Brain Observatory, by default those that the text took.

    The published tables of experiments and of cells are fetched on the first call (tens of megabytes), and kept.

    Parameters
    ----------
    cache_folder
        Where files are kept; by default `allen-brain-observatory` in `lib.data.cache_folder`.
    areas
        Areas of visual cortex.
    session_type
        One of `SESSION_TYPES`: B has static gratings, natural scenes and a movie, A drifting gratings and two movies, C
        and C2 sparse noise and two movies; all have spontaneous activity.
    more_than
        Sessions with this number of cells or fewer are left out.
    sizes
        Ask the server for the size of files that are not here: four requests a session.

    Returns
    -------
    list of Session
        Sorted by area, in the order of `areas`, and id. Sessions that the institute marked as failed are left out.

    Raises
    ------
    ImportError
        If allensdk is not installed.
    ValueError
        If the session type is unknown, no session is in one of the areas (those there are, are listed), or a table is
        damaged inside.
    FileNotFoundError
        If a table is not here and cannot be downloaded.

    Notes
    -----
    Source: *Complexity for deep neural networks*, section 9; Allen Institute MindScope Program (2016), Allen Brain
    Observatory, two-photon visual coding; de Vries et al. (2020), Nature Neuroscience 23, 138.

    Examples
    --------
    >>> sessions(more_than=300)[0]  # doctest: +SKIP
    Session(id=..., area='VISp', session_type='three_session_B', cells=..., ...)
    """
    if session_type not in SESSION_TYPES:
        raise ValueError(f"No session is of type {session_type!r}: choose one of {', '.join(SESSION_TYPES)}.")
    observatory = observatory_in(cache_folder)
    api = observatory.api
    experiments = published_table(observatory, observatory.EXPERIMENTS_KEY, "experiments", api.get_ophys_experiments)
    table = published_table(observatory, observatory.CELL_SPECIMENS_KEY, "cells", api.get_cell_metrics)
    column = SESSION_TYPES[session_type]
    try:
        there = {experiment["targeted_structure"]["acronym"] for experiment in experiments}
        chosen = api.filter_ophys_experiments(
            experiments, targeted_structures=list(areas), session_types=[session_type], simple=True
        )
        cells = Counter(cell["experiment_container_id"] for cell in table if cell.get(column) is not None)
    except Exception as error:  # valid JSON, but no such tables
        paths = [observatory.get_cache_path(None, observatory.EXPERIMENTS_KEY)]
        paths += [observatory.get_cache_path(None, observatory.CELL_SPECIMENS_KEY)]
        raise ValueError(
            f"The tables in {' and '.join(paths)} are damaged ({first_line(error)}): remove them, so that they are "
            "fetched again."
        ) from error
    if unknown := [area for area in areas if area not in there]:
        raise ValueError(f"No session is in area {unknown[0]!r}: choose from {', '.join(sorted(there))}.")
    found = []
    for each in sorted(chosen, key=lambda each: (tuple(areas).index(each["targeted_structure"]), each["id"])):
        count = cells[each["experiment_container_id"]]
        if count <= more_than:
            continue
        files = files_of(observatory, each["id"])
        cached = all(file.path.exists() for file in files)
        found.append(
            Session(
                id=each["id"],
                area=each["targeted_structure"],
                session_type=session_type,
                cells=count,
                depth=each["imaging_depth"],
                cre_line=each["cre_line"],
                container=each["experiment_container_id"],
                size=size_of(observatory, each["id"], files) if cached or sizes else None,
                cached=cached,
            )
        )
    return found


def load(session_id: int, cache_folder: str | Path | None = None) -> Recording:
    """Load one session of the Allen Brain Observatory, fetching what is not here.

    Events are those that the institute deconvolved from fluorescence (`get_ophys_experiment_events`): real amplitudes,
    mostly 0. Each interval of a stimulus is an epoch of its own, so that the three of static gratings or natural scenes
    can be averaged. An interval's last frame may be left out: ends are taken as exclusive, as allensdk itself counts.

    The size of what is missing is shown before it is fetched, then progress. An interrupted download goes on where it
    stopped. A file that is not whole is named in a warning and fetched again.

    Parameters
    ----------
    session_id
        `Session.id`: the ophys experiment's.
    cache_folder
        As for `sessions`.

    Returns
    -------
    Recording
        Amplitudes of events, neurons x frames, about 30 frames a second; `neuron_ids` are cell specimen ids, `times`
        the frames' own, and `running` the speed in cm/s where it was measured. Cells whose events are nan somewhere are
        left out, with a warning that says how many.

    Raises
    ------
    ImportError
        If allensdk is not installed.
    FileNotFoundError
        If a file is not here, or not whole, and cannot be downloaded, or there is no such session.
    ValueError
        If a file is damaged inside, the two do not fit each other, or stimuli cannot be told apart.

    Notes
    -----
    Source: as for `sessions`; events by the L0 method of Jewell and Witten (2018), Annals of Applied Statistics 12,
    2457.

    Examples
    --------
    >>> recording = load(sessions()[0].id)  # doctest: +SKIP
    >>> recording.stimuli  # doctest: +SKIP
    ('static_gratings', 'natural_scenes', 'spontaneous', 'natural_movie_one')
    """
    observatory = observatory_in(cache_folder)
    files = files_of(observatory, session_id)
    fetch_missing(observatory, session_id, files)
    try:
        with quiet():
            data = observatory.get_ophys_experiment_data(session_id)
            events = observatory.get_ophys_experiment_events(session_id)  # unpickles nothing: allow_pickle=False
            ids, times = data.get_cell_specimen_ids(), data.get_fluorescence_timestamps()
            about = data.get_metadata()
            area, running = about.get("targeted_structure"), _running(data, len(times))
            bin_width = float(np.median(np.diff(times)))
        epochs = _epochs(data, session_id)
    except _StimuliError:
        raise
    except Exception as error:  # HDF5 checks no sums: damage is met anywhere
        raise ValueError(
            f"Session {session_id} cannot be read ({first_line(error)}): remove {files[0].path} and {files[1].path}, "
            "so that they are fetched again."
        ) from error
    if events.shape != (len(ids), len(times)):
        raise ValueError(
            f"Session {session_id} has events of shape {events.shape}, but {len(ids)} cells and {len(times)} frames: "
            f"remove {files[0].path} and {files[1].path}, so that they are fetched again."
        )
    measured = np.isfinite(events).all(1)
    if not measured.all():
        warnings.warn(
            f"Session {session_id}: {np.sum(~measured)} of {len(ids)} cells have events that are nan: left out.",
            stacklevel=2,
        )
    try:
        return Recording(
            events=events[measured],
            bin_width=bin_width,
            epochs=epochs,
            source=(
                f"Allen Brain Observatory, two-photon session {session_id} ({about.get('session_type')}, {area}), "
                "deconvolved events"
            ),
            neuron_ids=ids[measured],
            area=area,
            running=running,
            times=times,
        )
    except (ValueError, TypeError) as error:
        raise ValueError(f"Session {session_id} in {files[0].path} cannot be used: {first_line(error)}") from error


class _StimuliError(ValueError):
    """Stimuli cannot be told apart, though the file is whole."""


def _epochs(data: Any, session_id: int) -> tuple[Epoch, ...]:
    """Make one epoch of each interval of each stimulus."""
    from allensdk.brain_observatory.brain_observatory_exceptions import EpochSeparationException

    try:
        with quiet():
            table = data.get_stimulus_epoch_table()
    except (EpochSeparationException, NotImplementedError) as error:
        raise _StimuliError(
            f"Stimuli of session {session_id} cannot be told apart by allensdk ({error}): use another session."
        ) from error
    rows = zip(table["stimulus"], table["start"], table["end"], strict=True)
    return tuple(Epoch(str(stimulus), int(start), int(end)) for stimulus, start, end in rows)


def _running(data: Any, frames: int) -> NDArray[np.float64] | None:
    """Running speed in every frame, in cm/s; None where there is none, or none that fits."""
    try:
        with quiet():
            speed, _ = data.get_running_speed()
    except (KeyError, IndexError):  # not recorded; or on a clock that shares no time with the frames
        return None
    return speed if speed.shape == (frames,) else None
