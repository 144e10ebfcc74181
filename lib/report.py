"""A report on a network or a recording of one's own: one HTML file with figures and numbers, read without a network."""

from __future__ import annotations

import base64
import importlib
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from jinja2 import Environment
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from torch import Tensor, nn

from lib import provenance
from lib.checkpoints import SUFFIXES, load_weights
from lib.data.recording import Recording
from lib.data.recording_files import from_npz, from_nwb
from lib.figures import own_network, style
from lib.figures._networks import RULE_NAMES
from lib.files import whole
from lib.measures.weights import weight_plane
from lib.probing import probe, probe_recording

TEMPLATE = Path(__file__).with_name("report.html")

RECORDINGS: dict[str, Callable[[Path], Recording]] = {".npz": from_npz, ".nwb": from_nwb}
"""Readers of recordings, by how the file's name ends."""

PATCHES = 16
"""Pixels of each image that a report reads in every layer, so that the bounds of layers are comparable."""


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


def report_files(
    files: Sequence[str | Path],
    output: str | Path,
    *,
    bins: int = 256,
    seed: int = 0,
    model: Callable[[], nn.Module] | None = None,
    inputs: Tensor | None = None,
) -> Path:
    """Report on files: weights of a network, checkpoints of one training in their order, or recordings.

    With `model` and `inputs` the layers of the network are read, too, beside those of the same network with weights
    drawn anew, which has learned nothing. A matrix whose weights are all alike or not all finite stands in the table
    with the reason; so do layers whose activations are not finite, because weights are not.

    Parameters
    ----------
    files
        Names that end as `lib.checkpoints.SUFFIXES` or :data:`RECORDINGS` have them.
    output
        HTML file to write.
    bins, seed
        Of `lib.measures.weights.weight_plane`, `lib.probing.probe_recording` and `lib.probing.probe`.
    model
        Builds the network that the weights belong to; `builder` finds it by name.
    inputs
        What the network is run on, shape (sample, ...); `read_inputs` reads it.

    Raises
    ------
    FileNotFoundError, ValueError
        If a file is not there, of another kind, or damaged; if it is the only one with weights, and no matrix in it has
        a place in the plane; if weights do not fit the network, or the network does not take the inputs; if only one of
        `model` and `inputs` is given, or both and no weights. Nothing is written then.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     torch.save(torch.nn.Linear(30, 20).state_dict(), f"{folder}/model.pt")
    ...     page = report_files([f"{folder}/model.pt"], f"{folder}/report.html").read_text()
    >>> "<h2>Weights of model.pt</h2>" in page, page.count("<img")
    (True, 2)
    """
    if (model is None) != (inputs is None):
        raise ValueError("Layers need a network and what it is run on: give both model and inputs, or neither.")
    with_weights = sum(Path(file).suffix in SUFFIXES for file in files)
    if model is not None and not with_weights:
        raise ValueError(f"There are no weights for the network: name a file that ends in {', '.join(SUFFIXES)}.")
    style.use()
    sections, planes = [], {}
    for file in map(Path, files):
        if file.suffix in SUFFIXES:
            weights = load_weights(file)
            planes[str(file)] = _plane(weights, file, bins, seed, strict=with_weights == 1)
            sections.append(weights_section(planes[str(file)], f"Weights of {file.name}"))
            if model is not None and inputs is not None:
                learned, anew = _with_weights(model, weights, file), _built(model, seed)
                sections.append(_layers_of(learned, anew, inputs, seed, f"Layers of {file.name}"))
        else:
            sections.append(_recording(file, seed))
    if len(planes) > 1 and len({tuple(plane["layer"].values) for plane in planes.values()}) == 1:
        sections.insert(0, _course_section(list(planes), xr.concat(planes.values(), "checkpoint")))
    return write_report(output, ", ".join(Path(file).name for file in files), sections)


def builder(name: str) -> Callable[[], nn.Module]:
    """Import what builds a network, by a name such as ``torchvision.models:resnet18``.

    Raises
    ------
    ValueError
        If there is no such module, or nothing in it that can be called.

    Examples
    --------
    >>> builder("torch.nn:Identity")()
    Identity()
    """
    module, _, function = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, ValueError, AttributeError) as error:
        raise ValueError(f"{name!r} names nothing that can be imported: give module:function ({error}).") from error
    if not callable(found):
        raise ValueError(f"{name} cannot be called: give a function that builds the network.")
    return lambda: found()


def read_inputs(path: str | Path) -> Tensor:
    """Read an array of inputs, shape (sample, ...), from an ``.npy`` file: float32, or int64 where it holds integers.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is not there, damaged, holds no sample, or anything but finite numbers that float32 or int64 takes.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(f"{folder}/images.npy", np.zeros((2, 3, 8, 8)))
    ...     read_inputs(f"{folder}/images.npy").shape
    torch.Size([2, 3, 8, 8])
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"There is no file {path}.")
    try:
        with path.open("rb") as file:
            form = np.lib.format
            header = form.read_array_header_1_0 if form.read_magic(file) == (1, 0) else form.read_array_header_2_0
            if any(int(size) < 0 for size in header(file)[0]):  # NumPy takes -1 for whatever is left
                raise ValueError("its header announces a negative size")
        values = np.load(path, allow_pickle=False)
    except Exception as error:  # damage comes up in many ways: ValueError, EOFError, SyntaxError, MemoryError, ...
        raise ValueError(f"{path} holds no array: write it by numpy.save.") from error
    if not isinstance(values, np.ndarray) or values.ndim < 2 or values.dtype.kind not in "iuf":
        raise ValueError(f"{path} holds no inputs: save one array of numbers, of shape (sample, ...), by numpy.save.")
    if not values.size:
        raise ValueError(f"{path} holds no value, for its shape is {values.shape}: save at least one sample.")
    with np.errstate(over="ignore"):
        inputs = values.astype(np.float32 if values.dtype.kind == "f" else np.int64)
    if not np.isfinite(inputs).all() or (values.dtype.kind == "u" and np.less(inputs, 0).any()):
        raise ValueError(f"{path} holds numbers that are nan, infinite or too large: leave those samples out.")
    return torch.from_numpy(inputs)


def _plane(weights: dict[str, Tensor], file: Path, bins: int, seed: int, strict: bool) -> xr.Dataset:
    try:
        return weight_plane(weights, bins=bins, seed=seed, strict=strict)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error


def _built(model: Callable[[], nn.Module], seed: int) -> nn.Module:
    torch.manual_seed(seed)
    try:
        made = model()
    except TypeError as error:
        raise ValueError(f"The network cannot be built: name a function without arguments ({error}).") from error
    if not isinstance(made, nn.Module):
        raise ValueError(f"What should build the network returns {type(made).__name__}: return a torch.nn.Module.")
    return made


def _with_weights(model: Callable[[], nn.Module], weights: dict[str, Tensor], file: Path) -> nn.Module:
    made = _built(model, 0)
    try:
        made.load_state_dict(weights)
    except RuntimeError as error:
        why = " ".join(str(error).split())[:200]
        raise ValueError(f"The weights of {file} do not fit the network: {why}") from error
    return made


def _layers_of(learned: nn.Module, anew: nn.Module, inputs: Tensor, seed: int, title: str) -> Section:
    control = _layers(anew, inputs, seed)
    try:
        found = _layers(learned, inputs, seed)
    except ValueError as error:
        if all(bool(torch.isfinite(each).all()) for each in learned.state_dict().values()):
            raise
        return Section(title, f"Weights are nan or infinite, so the layers could not be read. {error}")
    return layers_section(found, title, control)


def _layers(network: nn.Module, inputs: Tensor, seed: int) -> xr.Dataset:
    try:
        return probe(network, inputs, patches=PATCHES, seed=seed)
    except (RuntimeError, TypeError, IndexError) as error:  # of the network itself
        shape = tuple(inputs.shape)
        raise ValueError(f"The network does not take inputs of shape {shape}: {str(error)[:200]}") from error


def _recording(file: Path, seed: int) -> Section:
    if file.suffix in RECORDINGS:
        recording = RECORDINGS[file.suffix](file)
        return recording_section(probe_recording(recording, seed=seed), f"Recording {file.name}")
    known = ", ".join((*SUFFIXES, *RECORDINGS))
    raise ValueError(f"{file} is no file of weights and no recording: give one whose name ends in {known}.")


def weights_section(table: xr.Dataset, title: str = "Weights") -> Section:
    """Make a section of what `lib.measures.weights.weight_plane` gives."""
    rule = str(table["rule"].values[-1])
    placed = table.isel(layer=np.flatnonzero(table["note"].values == ""))
    missing = table.sizes["layer"] - placed.sizes["layer"]
    pictures = _weight_pictures(placed, " that has a place" if missing else "") if placed.sizes["layer"] else ()
    columns = ["matrix", "weights", "spread", "kurtosis", "zeros", "H (bits)", "h", "normal h", "c", "normal c"]
    rows = []
    for name in table["layer"].values:
        one = table.sel(rule=rule, layer=name)
        keys = ("spread", "kurtosis", "zeros", "entropy", "h", "normal_h", "c", "normal_c")
        rows.append([str(name), f"{int(one['count']):,}", *(_number(one[key]) for key in keys)])
    text = (
        f"{table.sizes['layer']} matrices of {int(table['count'].sum()):,} weights; biases, and scales and shifts of "
        "normalisations, are left out. The sign of a difference can hang on the rule of binning, so there are several; "
        f"numbers below are of “{RULE_NAMES[rule]}”."
    )
    if missing:
        text += f" Matrices that have no place in the plane: {missing}; the last column says why."
        columns.append("note")
        for row, note in zip(rows, table["note"].values, strict=True):
            row.append(str(note))
    return Section(title, text, pictures, columns, rows)


def _weight_pictures(table: xr.Dataset, which: str) -> tuple[Picture, Picture]:
    return (
        _picture(
            own_network.weight_planes(table),
            "Each weight matrix as a point in the complexity-entropy plane, a panel for each rule of binning.",
            f"Every matrix{which} in the complexity-entropy plane ({table.attrs['bins']} bins), dark to light from the "
            "first to the last, with a line to as many normal weights of the same mean and spread (open). Grey: the "
            "smallest and the largest complexity that an entropy allows.",
        ),
        _picture(
            own_network.weight_shapes(table),
            "By matrix: entropy less that of normal weights, excess kurtosis, and standard deviation.",
            f"By matrix{which}, from the first to the last: normalised entropy less that of normal weights (band: two "
            "standard deviations of the control), excess kurtosis, and standard deviation.",
        ),
    )


def _number(value: xr.DataArray) -> str:
    """Write a number as it stands in a table, and a dash where there is none."""
    return "–" if np.isnan(value) else f"{float(value):.4f}"


def layers_section(found: xr.Dataset, title: str = "Layers", control: xr.Dataset | None = None) -> Section:
    """Make a section of what `lib.probing.probe` gives, and gives for a control with the same layers."""
    beside = {} if control is None else {"weights drawn anew": control}
    picture = _picture(
        own_network.layers({title: found, **beside}),
        "Complexity per unit, total correlation, linearity and effective dimension per unit by relative depth.",
        "Observables of the layers by relative depth, from the first to the last"
        + (", beside those of the same network with weights drawn anew." if beside else "."),
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
    columns = ["layer", "units", "patterns", *(asked[key] for key in there)]
    rows = [
        [str(name), f"{int(one['units'])}", f"{int(one['patterns']):,}", *(f"{float(one[key]):.3f}" for key in there)]
        for name, one in ((name, found.sel(layer=name)) for name in found["layer"].values)
    ]
    if control is not None:
        for key in (key for key in _COMPARED if key in there):
            columns.append(f"anew: {asked[key]}")
            for row, value in zip(rows, control[key].values, strict=True):
                row.append(f"{float(value):.3f}")
    text = f"A unit is on where {found.attrs['rule'].removeprefix('z = 1 where ')}. Entropies are upper bounds."
    if control is not None:
        text += " A profile that the network has with weights drawn anew, too, is none that it has learned."
    return Section(title, text, (picture,), columns, rows)


_COMPARED = ("complexity", "normalized_total_correlation", "effective_dimension")


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
        *("stimulus", "bins", "activity", "bits per neuron", "below independence (bits)", "the same, shifted"),
        "effective dimension",
    )
    text = (
        f"{int(table['units'][0])} neurons in bins of {table.attrs['bin_width']:.4g} s; entropies by "
        f"{table.attrs['method']}, with {table.attrs['block']:g} s kept in one fold. Source: {table.attrs['source']}."
    )
    return Section(title, text, (picture,), columns, rows)


def _course_section(names: Sequence[str], planes: xr.Dataset) -> Section:
    """Make a section of several checkpoints of one network: where the matrices go."""
    rows = [[str(name), *map(_number, planes["h"].sel(layer=name, rule="spread"))] for name in planes["layer"].values]
    text = (
        "Normalised entropy h of each matrix, in bins over its mean ± 4 standard deviations; files in the order given."
    )
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
    "PATCHES",
    "RECORDINGS",
    "Picture",
    "Section",
    "builder",
    "default_output",
    "layers_section",
    "read_inputs",
    "recording_section",
    "report_files",
    "weights_section",
    "write_report",
]
