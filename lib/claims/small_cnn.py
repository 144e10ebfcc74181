"""Judges of quenches in a small convolutional network: J29 and J30, on records of ``small_cnn``."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr

from lib.claims._judging import conclude, estimate, passing, range_of, span, weakest
from lib.claims._model import Condition, Judgement
from lib.claims._quench import DEEP, LOW_RATE, curves, of_seeds, quench, quench_conditions
from lib.claims._registry import judge
from lib.claims._residual_tasks import DEPTH
from lib.claims._verdict import lies
from lib.experiments.networks import of_network
from lib.measures.statistics import Estimate, seed_interval

RESTLESS = 0.05
"""Standard deviation of effective dimension in the last quarter of the training, over its mean, above which it has not
settled."""


def centres(chosen: xr.Dataset) -> xr.Dataset:
    """Return the pixel in the middle of each convolution, without the others."""
    number = chosen["convolution"].values
    squares = [np.flatnonzero(number == convolution) for convolution in np.unique(number)]
    return chosen.isel(pixel=[square[len(square) // 2] for square in squares])


def border(chosen: xr.Dataset) -> np.ndarray:
    """Return which pixels lie in the border of the first convolution, which sees little of a centred digit."""
    first = chosen["convolution"].values == 0
    edge = int(chosen["row"].values[first].max())
    rim = np.isin(chosen["row"].values, (0, edge)) | np.isin(chosen["column"].values, (0, edge))
    return np.asarray(first & rim)


def _rates(record: xr.Dataset, *, low: bool) -> Iterator[tuple[str, xr.Dataset]]:
    for name in map(str, record["network"].values):
        chosen = record.sel(network=name)
        if bool(chosen["rate"] <= LOW_RATE) == low:
            yield name, chosen


@judge("J29", experiment="small_cnn", beside=["residual_quench"])
def only_the_small_network_is_quenched(record: xr.Dataset, residual: xr.Dataset | None = None) -> Judgement | None:
    """At a very low rate effective dimension must dip as in J25 in the small network, and in no layer of ResNet-56.

    In the small network at the middle pixel of each convolution: fall and recovery are two conditions, each where it is
    least of the convolutions; the control is an ordinary rate. In ResNet-56, at each rate, the dip must stay below the
    same 20 % in the layer where it is deepest. Without that network the verdict is ``partly`` at most.
    """
    ordinary = next((centres(chosen) for _, chosen in _rates(record, low=False)), None)
    control = None if ordinary is None else quench(ordinary, "effective_dimension", "pixel")
    small = []
    for name, chosen in _rates(record, low=True):
        found = quench(centres(chosen), "effective_dimension", "pixel")
        small += quench_conditions(name, found, {"ordinary rate": control})
    if not small:
        return None
    deep = [] if residual is None else _residual(residual)
    large, low = [_unquenched(chosen) for chosen in deep], any(bool(chosen["rate"] <= LOW_RATE) for chosen in deep)
    said = f"; {passing(large)}: no dip in ResNet-56" if large else ""
    return conclude(
        weakest(small),
        [*small, *large],
        measure="recovery from the minimum where it is least of three convolutions, as a share of the value before",
        control="ordinary rate not run" if control is None else f"ordinary rate: {control}",
        text=f"{passing(small)}: falls and recoveries in the small network{said}."
        f"{'' if low else ' ResNet-56 is not run at a low rate.'}",
        at_most="reproduced" if low else "partly",
    )


def _residual(record: xr.Dataset) -> list[xr.Dataset]:
    """Return the networks of 56 layers that a record of ``residual_quench`` has."""
    every = (of_network(record, name) for name in map(str, record["network"].values))
    return [chosen for chosen in every if int(chosen["depth"]) == DEPTH]


def _unquenched(chosen: xr.Dataset) -> Condition:
    """Return the condition that in no layer of a network is there a dip of a fifth of the value before."""
    found = quench(chosen, "effective_dimension")
    return Condition.measured(
        f"{chosen['network'].item()}, deepest of its layers",
        found.deepest(),
        passes=lies(span(found.deepest()), high=DEEP),
        note=str(found),
    )


def late_spread(chosen: xr.Dataset, *, straight: bool = False) -> np.ndarray:
    """Return the standard deviation of effective dimension in the last quarter of the epochs over its mean there.

    Shape (seed, pixel); nan for pixels that do not vary over images. With `straight` about a straight line, so that a
    steady drift does not count.

    Raises
    ------
    ValueError
        If there are fewer than 3 readings in the last quarter.
    """
    epochs, values = curves(chosen, "effective_dimension", "pixel")
    late = epochs >= 0.75 * epochs[-1]
    if late.sum() < 3:
        raise ValueError(f"{late.sum()} readings in the last quarter show no spread: read the network more often.")
    rest, mean = values[..., late], values[..., late].mean(axis=-1)
    if straight:
        line = np.stack([np.ones(late.sum()), epochs[late]], axis=-1)
        rest = rest - rest @ np.linalg.pinv(line).T @ line.T
    return np.divide(rest.std(axis=-1, ddof=1), mean, out=np.full(mean.shape, np.nan), where=mean > 0)


def synchrony(chosen: xr.Dataset, pixels: np.ndarray) -> np.ndarray:
    """Return the spread of minima within convolutions over that between them, a seed.

    Within: root mean square over convolutions of the standard deviation over pixels; between: standard deviation of
    the convolutions' means. Only pixels with a minimum count; nan where fewer than two convolutions have some,
    or none has two.
    """
    some = chosen.isel(pixel=pixels)
    times, number = quench(some, "effective_dimension", "pixel").times, some["convolution"].values
    found = []
    for row in times:
        groups = [row[(number == each) & np.isfinite(row)] for each in np.unique(number)]
        means = [group.mean() for group in groups if len(group)]
        within = [group.var(ddof=1) for group in groups if len(group) > 1]
        between = np.std(means, ddof=1) if len(means) > 1 else 0.0
        found.append(np.sqrt(np.mean(within)) / between if within and between else np.nan)
    return np.array(found)


def _known(values: np.ndarray) -> Estimate | None:
    return estimate(values[np.isfinite(values)])


def _beyond(values: np.ndarray, control: np.ndarray) -> Estimate | None:
    """Return the difference to a control over the seeds that both have."""
    return _known(values - control)


def _over_pixels(values: np.ndarray) -> np.ndarray:
    """Return the mean over the pixels that have a value, (seed,); nan where none has."""
    number = np.isfinite(values).sum(axis=1)
    return np.divide(np.nansum(values, axis=1), number, out=np.full(len(values), np.nan), where=number > 0)


@judge("J30", experiment="small_cnn")
def pixels_are_synchronised_and_restless(record: xr.Dataset) -> Judgement | None:
    """Minima must be spread less within a convolution than between them, and late dimensions vary by more than 5 %.

    The first effect is the ratio of both spreads, which must stay below 1, over all pixels but those in the border; the
    second the standard deviation in the last quarter of the epochs over the mean there, averaged over the same pixels.
    The control is the border. What is left about a straight line, so that a steady drift does not count, is in the
    notes, with the recoveries. That minima are *of different size* has no test in the row.

    A seed with minima in fewer than two convolutions has no ratio; how many have one is in the notes. The border beside
    late dimensions, and differences to it seed by seed, were added after the record was seen.
    """
    conditions = []
    for name, chosen in _rates(record, low=True):
        rim = border(chosen)
        inner, outer = np.flatnonzero(~rim), np.flatnonzero(rim | (chosen["convolution"].values > 0))
        depths = quench(chosen.isel(pixel=inner), "effective_dimension", "pixel").dips.depth.mean(axis=0)
        ratios, beside = synchrony(chosen, inner), synchrony(chosen, outer)
        ratio, control = _known(ratios), _known(beside)
        counted = (of_seeds(int(np.isfinite(each).sum()), len(each)) for each in (ratios, beside))
        note = f"recoveries of {range_of(100 * depths, 0)} % by pixel; a ratio in {', control: '.join(counted)}"
        if ratio is None:
            note = f"too few pixels dip; {note}"
            conditions.append(Condition(f"{name}, synchrony", 0.0, seeds=chosen.sizes["seed"], passes=False, note=note))
        else:
            held = None if control is None else lies(span(control), high=1 - 1e-9) is True
            conditions.append(
                Condition.measured(
                    f"{name}, synchrony",
                    ratio,
                    control=control,
                    difference=_beyond(ratios, beside),
                    passes=lies(span(ratio), high=1 - 1e-9),
                    holds_in_control=held,
                    note=note,
                )
            )
        late, straight = (late_spread(chosen, straight=each) for each in (False, True))
        within, border_late = _over_pixels(late[:, inner]), _over_pixels(late[:, rim])
        restless, control = seed_interval(within), _known(border_late)
        conditions.append(
            Condition.measured(
                f"{name}, late",
                restless,
                control=control,
                difference=_beyond(within, border_late),
                passes=lies(span(restless), low=RESTLESS),
                holds_in_control=None if control is None else lies(span(control), low=RESTLESS) is True,
                note=f"about a straight line {100 * _over_pixels(straight[:, inner]).mean():.1f} %",
            )
        )
    if not conditions:
        return None
    late_ones = [condition for condition in conditions if condition.name.endswith("late")]
    return conclude(
        weakest(late_ones),
        conditions,
        measure="standard deviation of late effective dimension over its mean, least of rates",
        control="border of the first convolution",
        text=f"{passing(conditions)} hold: minima together within a convolution, and no rest in the last quarter. That "
        "minima are of different size has no test in the row and is not judged.",
    )
