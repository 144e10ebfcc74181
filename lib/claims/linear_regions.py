"""Judges of whole networks' complexity beside their linear regions: J31 and J32, on records of ``linear_regions``.

Choices made before any record was judged:

- The last quarter is the moments from three quarters of the epochs on; a plateau is a change over it, by its
  least-squares slope, of less than 0.01 bits per unit either way: a third of what two widths may differ by.
- 0.37 is looked for in the interval of the mean over the last quarter, in both readings of *complexity of the network*.
- *Behaves as*: Kendall's tau over all moments from the first on, seed by seed, lies above 0.

Differences to the control, seed by seed, were added after the records were seen.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from lib.claims._judging import TINY, conclude, farthest, passing, range_of, span, weakest
from lib.claims._model import Condition, Judgement
from lib.claims._registry import judge
from lib.claims._verdict import lies
from lib.measures.statistics import Estimate, difference_interval, kendall_tau, seed_interval

VALUE = 0.37
"""Bits per unit at which the text's networks settle."""

PLATEAU = 0.01
"""Bits per unit by which complexity may change over the last quarter of the training."""

APART = 0.03
"""Bits per unit by which widths may differ."""

SINGLE = 0.99
"""Share of crossings above which a border is one unit's."""

READINGS = {"joint": "joint_per_unit", "additive": "additive_per_unit"}
"""The text's eqs. 8 and 9, over hidden units."""


def networks(record: xr.Dataset, labels: str = "true") -> dict[int, xr.Dataset]:
    """Return the networks with such labels, by width, without the seeds that they do not have.

    Examples
    --------
    >>> coords = {"width": ("network", [20, 40]), "labels": ("network", ["true", "random"]), "seed": [0]}
    >>> record = xr.Dataset({"test_error": (("network", "seed"), [[0.1], [0.9]])}, coords)
    >>> list(networks(record)), list(networks(record, "random"))
    ([20], [40])
    """
    found = {}
    for number in np.flatnonzero(record["labels"].values == labels):
        chosen = record.isel(network=number)
        known = chosen["test_error"].notnull()
        found[int(chosen["width"])] = chosen.isel(
            seed=np.flatnonzero(known.all([d for d in known.dims if d != "seed"]))
        )
    return found


def last_quarter(chosen: xr.Dataset, name: str) -> xr.DataArray:
    """Return a variable at the moments after three quarters of the epochs."""
    return chosen[name].sel(epoch=chosen["epoch"] >= 0.75 * float(chosen["epoch"][-1]))


def settled(chosen: xr.Dataset, name: str) -> np.ndarray:
    """Return the mean over the last quarter, (seed,)."""
    return np.asarray(last_quarter(chosen, name).mean("epoch").values, dtype=np.float64)


def late_change(chosen: xr.Dataset, name: str) -> np.ndarray:
    """Return slope times length of the last quarter, (seed,).

    Examples
    --------
    >>> epoch, values = [0, 3, 4], [[0.0], [0.5], [0.7]]
    >>> late_change(xr.Dataset({"x": (("epoch", "seed"), values)}, {"epoch": epoch}), "x").round(3)
    array([0.2])
    """
    late = last_quarter(chosen, name).transpose("seed", "epoch")
    epoch = late["epoch"].values - float(late["epoch"].mean())
    return np.asarray(late.values @ epoch / (epoch**2).sum() * (epoch[-1] - epoch[0]), dtype=np.float64)


@judge("J31", experiment="linear_regions")
def complexity_settles(record: xr.Dataset) -> Judgement | None:
    """Complexity per unit must settle, at 0.37, and alike for both widths, whether joint or additive.

    The effect is the value that is farthest from 0.37. Control: the same networks with random labels, a null for the
    value; that they settle too would not explain it.
    """
    learned, random = networks(record), networks(record, "random")
    if not learned:
        return None
    conditions, at_value = [], []
    for reading, name in READINGS.items():
        for width, chosen in learned.items():
            other = random.get(width)
            value = seed_interval(settled(chosen, name))
            control = None if other is None else seed_interval(settled(other, name))
            note = "random labels: not run" if other is None else ""
            at_value.append(
                Condition.measured(
                    f"width {width}, {reading}, value",
                    value,
                    control=control,
                    difference=None if other is None else _beyond(chosen, other, name),
                    passes=_holds(span(value)),
                    holds_in_control=None if control is None else _holds(span(control)),
                    note=note,
                )
            )
            change = seed_interval(late_change(chosen, name))
            conditions.append(
                Condition.measured(
                    f"width {width}, {reading}, change over the last quarter",
                    change,
                    control=None if other is None else seed_interval(late_change(other, name)),
                    passes=lies(span(change), -PLATEAU, PLATEAU),
                    note=note,
                )
            )
        narrow, wide = min(learned), max(learned)
        if narrow < wide:
            apart = difference_interval(settled(learned[wide], name), settled(learned[narrow], name), paired=False)
            conditions.append(
                Condition.measured(
                    f"width {wide} less width {narrow}, {reading}", apart, passes=lies(span(apart), -APART, APART)
                )
            )
    carrier = farthest(at_value, VALUE)
    controls = [condition.control for condition in at_value if condition.control is not None]
    some = random and random.keys() < learned.keys()
    only = f" Random labels were run at width {', '.join(map(str, random))} only." if some else ""
    return conclude(
        carrier,
        [*at_value, *conditions],
        measure=f"bits per unit in the last quarter, farthest from {VALUE} ({carrier.name.removesuffix(', value')})",
        control=f"random labels: {range_of(controls)}" if controls else "not run",
        text=f"{passing(at_value)} are {VALUE}; {passing(conditions)} settle and are alike. Joint "
        f"{_values(at_value, 'joint')}, additive {_values(at_value, 'additive')}.{only}{_by_the_text(learned)}",
    )


def _beyond(chosen: xr.Dataset, other: xr.Dataset, name: str) -> Estimate | None:
    """Return the difference of what two networks settle at, over the seeds that both have."""
    shared = np.intersect1d(chosen["seed"], other["seed"])
    if not len(shared):
        return None
    return difference_interval(settled(chosen.sel(seed=shared), name), settled(other.sel(seed=shared), name))


def _holds(interval: tuple[float, float]) -> bool:
    return interval[0] <= VALUE <= interval[1]


def _values(conditions: list[Condition], reading: str) -> str:
    return range_of([condition.effect for condition in conditions if reading in condition.name])


def _by_the_text(learned: dict[int, xr.Dataset]) -> str:
    """Say what the text's own estimator gives after the last epoch, on the seeds that have it."""
    found = {
        reading: [float(chosen[f"text_{name}"].mean()) for chosen in learned.values()]
        for reading, name in READINGS.items()
    }
    if not all(np.isfinite(values).all() for values in found.values()):
        return ""
    seeds = min(int(chosen["text_joint_per_unit"].notnull().sum()) for chosen in learned.values())
    said = ", ".join(f"{reading} {range_of(values)}" for reading, values in found.items())
    return f" By the text's boosted trees, {'one seed' if seeds == 1 else f'{seeds} seeds'}: {said}."


@judge("J32", experiment="linear_regions")
def complexity_behaves_as_regions(record: xr.Dataset) -> Judgement | None:
    """Over training, complexity must go with the regions met by lines and circles, and a border must be one unit's.

    Kendall's tau of joint complexity and regions per unit over moments must lie above 0, for each width and shape.
    Control: regions met through noise. The share of crossings at which one unit switches must exceed 0.99.
    """
    conditions, borders = [], []
    for width, chosen in networks(record).items():
        joint, additive = (_curves(chosen[name]) for name in READINGS.values())
        for shape in map(str, chosen["shape"].values):
            on, off = (_curves(chosen["regions_per_unit"].sel(shape=shape, source=source)) for source in _SOURCES)
            images, noise = (np.asarray(kendall_tau(joint, regions)) for regions in (on, off))
            found, control = seed_interval(images), seed_interval(noise)
            conditions.append(
                Condition.measured(
                    f"width {width}, {shape}s",
                    found,
                    control=control,
                    difference=difference_interval(images, noise),
                    passes=lies(span(found), low=TINY),
                    holds_in_control=lies(span(control), low=TINY) is True,
                    note=f"additive {float(np.mean(kendall_tau(additive, on))):.2f}; first to last moment: regions per "
                    f"unit {on.mean(0)[0]:.2f} to {on.mean(0)[-1]:.2f}, joint complexity per unit "
                    f"{joint.mean(0)[0]:.2f} to {joint.mean(0)[-1]:.2f}",
                )
            )
            single = chosen["single_flips"].sel(shape=shape, source="images")
            share = seed_interval(np.asarray(single.isel(epoch=-1).values, dtype=np.float64))
            borders.append(
                Condition.measured(
                    f"width {width}, {shape}s, crossings with one flip",
                    share,
                    control=seed_interval(np.asarray(single.isel(epoch=0).values, dtype=np.float64)),
                    passes=lies(span(share), low=SINGLE),
                    note="control: untrained; a border is one unit's, learned or not, for the others are continuous",
                )
            )
    if not conditions:
        return None
    controls = [condition.control for condition in conditions if condition.control is not None]
    return conclude(
        weakest(conditions),
        [*conditions, *borders],
        measure="tau over epochs of joint complexity and regions per unit, least of widths and shapes",
        control=f"lines and circles through noise: {range_of(controls)}",
        text=f"{passing(conditions)} rise and fall together; {passing(borders)} cross one unit's border at a time "
        f"({range_of([c.effect for c in borders], 4)} of crossings), as must be.",
    )


def _curves(variable: xr.DataArray) -> np.ndarray:
    return np.asarray(variable.transpose("seed", "epoch").values, dtype=np.float64)


_SOURCES = ("images", "noise")
