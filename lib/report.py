"""A report on a network or a recording of one's own: one HTML file with figures and numbers, read without a network."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import xarray as xr
from jinja2 import Environment
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from lib import provenance
from lib.checkpoints import SUFFIXES, load_weights
from lib.data.recording import Recording, from_npz, from_nwb
from lib.figures import own_network, style
from lib.figures._networks import RULE_NAMES
from lib.files import whole
from lib.measures.weights import weight_plane
from lib.probing import probe_recording

TEMPLATE = Path(__file__).with_name("report.html")

RECORDINGS: dict[str, Callable[[Path], Recording]] = {".npz": from_npz, ".nwb": from_nwb}
"""Readers of recordings, by how the file's name ends."""


@dataclass(frozen=True)
class Picture:
    """A figure as it stands in a report."""

    png: str  #: base64
    alt: str
    caption: str


@dataclass(frozen=True)
class Section:
    """What a report says of one thing."""

    title: str
    text: str
    pictures: Sequence[Picture] = ()
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = field(default=(), repr=False)


def write_report(path: str | Path, title: str, sections: Sequence[Section]) -> Path:
    """Write sections into one HTML file, whole or not at all.

    Parameters
    ----------
    path
        File to make or replace.
    title
        Heading of the page.
    sections
        Such as `weights_section`, `layers_section` and `recording_section` make.

    Raises
    ------
    ValueError
        If there is no section.
    OSError
        If the file cannot be written.
    """
    if not sections:
        raise ValueError("There is nothing to report: give at least one section.")
    made = f"Made {datetime.now(UTC):%Y-%m-%d %H:%M} UTC by inside-learning, revision {provenance.revision()}."
    page = Environment(autoescape=True).from_string(TEMPLATE.read_text())
    with whole(Path(path)) as temporary:
        temporary.write_text(page.render(title=title, made=made, sections=sections), encoding="utf-8")
    return Path(path)


def report_files(files: Sequence[str | Path], output: str | Path, *, bins: int = 256, seed: int = 0) -> Path:
    """Report on files: weights of a network, checkpoints of one training in their order, or recordings.

    Parameters
    ----------
    files
        Names that end as `lib.checkpoints.SUFFIXES` or :data:`RECORDINGS` have them.
    output
        HTML file to write.
    bins, seed
        Of `lib.measures.weights.weight_plane` and `lib.probing.probe_recording`.

    Raises
    ------
    FileNotFoundError, ValueError
        If a file is not there, of another kind, or damaged; nothing is written then.

    Examples
    --------
    >>> import tempfile, torch
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     torch.save(torch.nn.Linear(30, 20).state_dict(), f"{folder}/model.pt")
    ...     page = report_files([f"{folder}/model.pt"], f"{folder}/report.html").read_text()
    >>> "<h2>Weights of model.pt</h2>" in page, page.count("<img")
    (True, 2)
    """
    style.use()
    sections, planes = [], {}
    for file in map(Path, files):
        if file.suffix in SUFFIXES:
            planes[str(file)] = weight_plane(load_weights(file), bins=bins, seed=seed)
            sections.append(weights_section(planes[str(file)], f"Weights of {file.name}"))
        else:
            sections.append(_recording(file, seed))
    if len(planes) > 1 and len({tuple(plane["layer"].values) for plane in planes.values()}) == 1:
        sections.insert(0, _course_section(list(planes), xr.concat(planes.values(), "checkpoint")))
    return write_report(output, ", ".join(Path(file).name for file in files), sections)


def _recording(file: Path, seed: int) -> Section:
    if file.suffix in RECORDINGS:
        recording = RECORDINGS[file.suffix](file)
        return recording_section(probe_recording(recording, seed=seed), f"Recording {file.name}")
    known = ", ".join((*SUFFIXES, *RECORDINGS))
    raise ValueError(f"{file} is no file of weights and no recording: give one whose name ends in {known}.")


def weights_section(table: xr.Dataset, title: str = "Weights") -> Section:
    """Make a section of what `lib.measures.weights.weight_plane` gives."""
    rule = str(table["rule"].values[-1])
    chosen = table.sel(rule=rule)
    pictures = (
        _picture(
            own_network.weight_planes(table),
            "Each weight matrix as a point in the complexity-entropy plane, a panel for each rule of binning.",
            f"Every matrix in the complexity-entropy plane ({table.attrs['bins']} bins), dark to light from the first "
            "to the last, with a line to as many normal weights of the same mean and spread (open). Grey: the smallest "
            "and the largest complexity that an entropy allows.",
        ),
        _picture(
            own_network.weight_shapes(table),
            "By matrix: entropy less that of normal weights, excess kurtosis, and standard deviation.",
            "By matrix, from the first to the last: normalised entropy less that of normal weights (band: two standard "
            "deviations of the control), excess kurtosis, and standard deviation.",
        ),
    )
    columns = ("matrix", "weights", "spread", "kurtosis", "zeros", "H (bits)", "h", "normal h", "c", "normal c")
    rows = []
    for name in table["layer"].values:
        one = chosen.sel(layer=name)
        numbers = [one[key].item() for key in ("spread", "kurtosis", "zeros", "entropy", "h", "normal_h", "c")]
        rows.append(
            [str(name), f"{int(one['count']):,}", *(f"{value:.4f}" for value in (*numbers, one["normal_c"].item()))]
        )
    text = (
        f"{table.sizes['layer']} matrices of {int(table['count'].sum()):,} weights; biases, and scales and shifts of "
        "normalisations, are left out. The sign of a difference can hang on the rule of binning, so there are several; "
        f"numbers below are of “{RULE_NAMES[rule]}”."
    )
    return Section(title, text, pictures, columns, rows)


def layers_section(found: xr.Dataset, title: str = "Layers") -> Section:
    """Make a section of what `lib.probing.probe` gives."""
    picture = _picture(
        own_network.layers({title: found}),
        "Complexity per unit, total correlation, linearity and effective dimension per unit by relative depth.",
        "Observables of the layers by relative depth, from the first to the last.",
    )
    asked = {
        "complexity": "complexity (bits)",
        "complexity_error": "standard error",
        "independent_bits": "if independent (bits)",
        "normalized_total_correlation": "total correlation",
        "linearity": "linearity",
        "effective_dimension": "effective dimension",
    }
    there = [name for name in asked if name in found]
    rows = [
        [str(name), f"{int(one['units'])}", f"{int(one['patterns']):,}", *(f"{float(one[key]):.3f}" for key in there)]
        for name, one in ((name, found.sel(layer=name)) for name in found["layer"].values)
    ]
    text = f"A unit is on where {found.attrs['rule'].removeprefix('z = 1 where ')}. Entropies are upper bounds."
    return Section(title, text, (picture,), ("layer", "units", "patterns", *(asked[key] for key in there)), rows)


def recording_section(table: xr.Dataset, title: str = "Recording") -> Section:
    """Make a section of what `lib.probing.probe_recording` gives."""
    picture = _picture(
        own_network.stimuli(table),
        "Complexity, bits below independent neurons, and effective dimension per neuron, by stimulus.",
        "Both observables per neuron by stimulus, with 95 % over blocks of time, beside trains shifted in time, which "
        "keep rates and lose correlation. What the shifted trains have too is rate.",
    )
    rows = [
        [
            str(name),
            f"{int(one['patterns']):,}",
            *(f"{float(one[key]):.4f}" for key in ("activity", "complexity_per_unit")),
            f"{float(one['gain']):.3f} ± {1.96 * float(one['gain_error']):.3f}",
            f"{float(one['shifted_gain']):.3f} ± {1.96 * float(one['shifted_gain_error']):.3f}",
            f"{float(one['effective_dimension']):.2f}",
        ]
        for name, one in ((name, table.sel(stimulus=name)) for name in table["stimulus"].values)
    ]
    columns = (
        *("stimulus", "bins", "activity", "bits a neuron", "below independence (bits)", "the same, shifted"),
        "effective dimension",
    )
    text = (
        f"{int(table['units'][0])} neurons in bins of {table.attrs['bin_width']:.4g} s; entropies by "
        f"{table.attrs['method']}, with {table.attrs['block']:g} s kept in one fold. Source: {table.attrs['source']}."
    )
    return Section(title, text, (picture,), columns, rows)


def _course_section(names: Sequence[str], planes: xr.Dataset) -> Section:
    """Make a section of several checkpoints of one network: where the matrices go."""
    rows = [
        [str(name), *(f"{float(value):.4f}" for value in planes["h"].sel(layer=name, rule="spread").values)]
        for name in planes["layer"].values
    ]
    text = "Normalised entropy h of each matrix, ± 4 standard deviations, in the order in which the files were named."
    return Section("From checkpoint to checkpoint", text, (), ("matrix", *names), rows)


def _picture(figure: Figure, alt: str, caption: str) -> Picture:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=160)
    plt.close(figure)
    return Picture(base64.b64encode(buffer.getvalue()).decode(), alt, caption)


def default_output(files: Sequence[str | Path]) -> Path:
    """Return the name of the report on files: that of the first, in the working folder.

    Examples
    --------
    >>> str(default_output(["runs/a b/model.safetensors"]))
    'model-report.html'
    """
    return Path(f"{re.sub(r'[^A-Za-z0-9._-]', '_', Path(files[0]).stem)}-report.html")


__all__ = [
    "RECORDINGS",
    "Picture",
    "Section",
    "default_output",
    "layers_section",
    "recording_section",
    "report_files",
    "weights_section",
    "write_report",
]
