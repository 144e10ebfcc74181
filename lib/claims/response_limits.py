"""Judges of what the theory of the response leaves out: N12, N21 and N22, on records of ``response_limits``."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
import xarray as xr

from lib.claims._judging import conclude, estimate, farthest, over_seeds, passing, range_of, span
from lib.claims._model import Condition, Judgement
from lib.claims._registry import judge
from lib.claims._verdict import lies
from lib.models.bit_encoder import ACTIVATION_NAMES

SMALL_RATES = 1e-2 * (1 + 1e-9)
"""Largest rate at which a first-order form is fitted: it is one of short steps."""

FIRST_ORDER = (0.9, 1.1)
"""Slopes of log error on log rate that count as 1."""

WIDE = 128
"""Smallest width at which the wide limit is fitted, the text's own; all widths where fewer than 3 are left."""

FALL = (-1.05, -0.45)
"""Slopes of log change on log width that count as -1/2 to -1; the margin is that of N14's exponent."""


def log_slope(x: xr.DataArray, values: xr.DataArray) -> xr.DataArray:
    """Return the slope of log values on log x along the dimension of x; nan where a value is not positive.

    Examples
    --------
    >>> x = xr.DataArray([1.0, 10.0, 100.0], dims="x")
    >>> float(log_slope(x, 3 * x**2).round(6))
    2.0
    """
    (along,) = x.dims
    log_x = np.log(x.astype(np.float64))
    log_x = log_x - log_x.mean()
    logs = np.log(values.astype(np.float64).where(values > 0))
    return (logs * log_x).sum(along, skipna=False) / (log_x**2).sum()


def by_rate(record: xr.Dataset, name: str) -> xr.DataArray:
    """Return the slope of log error on log rate over small rates, for every other dimension."""
    small = record["rate"].values <= SMALL_RATES
    chosen = record.isel(rate=np.flatnonzero(small))
    return log_slope(chosen["rate"].drop_vars("rate"), chosen[name].drop_vars("rate"))


def by_width(record: xr.Dataset, wide: bool = True) -> xr.DataArray:
    """Return the slope of log change on log width, over wide networks or all, for every other dimension."""
    chosen = record.isel(width=np.flatnonzero(record["width"].values >= WIDE)) if wide else record
    chosen = chosen if chosen.sizes["width"] >= 3 else record
    return log_slope(chosen["width"].drop_vars("width"), chosen["kernel_change"].drop_vars("width"))


def _settings(values: xr.DataArray, *names: str) -> Iterator[tuple[tuple, xr.DataArray]]:
    """Yield every combination of coordinates, and what it has."""
    for chosen in product(*(values[name].values for name in names)):
        yield chosen, values.sel(dict(zip(names, chosen, strict=True)))


def _at(errors: xr.DataArray, rate: float) -> str:
    """Say the mean error at the rate nearest to one."""
    nearest = errors.sel(rate=rate, method="nearest")
    return f"{100 * float(nearest.mean()):.2g} % at rate {float(nearest['rate']):g}"


def _controls(conditions: list[Condition]) -> str:
    return range_of([condition.control for condition in conditions if condition.control is not None])


@judge("N12", experiment="response_limits")
def first_order_gives_the_response(record: xr.Dataset) -> Judgement:
    """The largest relative error of the first-order form must be in proportion to the rate: slope 1, within 0.1.

    Fitted up to rate 0.01; conditions are activations and epochs of training before the step. The control is eq. 19 as
    it is printed, without the gates of the features, times its best constant: an error that stays as the rate falls is
    one of the form, not of the step.
    """
    slopes = by_rate(record, "first_order_error")
    errors = record["first_order_error"]
    conditions = []
    for (activation, epoch), at in _settings(slopes, "activation", "epoch"):
        found = estimate(over_seeds(at.sel(form="both gates")))
        control = estimate(over_seeds(at.sel(form="no gates, best multiple")))
        if found is None or control is None:
            continue
        here = errors.sel(activation=activation, epoch=epoch)
        conditions.append(
            Condition.measured(
                f"{ACTIVATION_NAMES[str(activation)]}, after {epoch:,} epochs",
                found,
                control=control,
                passes=lies(span(found), *FIRST_ORDER),
                holds_in_control=lies(span(control), *FIRST_ORDER) is True,
                note=f"error {_at(here.sel(form='both gates'), 0.01)}, {_at(here.sel(form='both gates'), 0.1)}; "
                f"without gates {_at(here.sel(form='no gates, best multiple'), 0.01)}",
            )
        )
    ungated = {
        form: range_of((100 * errors.sel(form=form).isel(rate=0).mean("seed")).values.ravel().tolist(), 1)
        for form in errors["form"].values
        if form != "both gates"
    }
    return conclude(
        farthest(conditions, 1.0),
        conditions,
        measure="slope of log error on log rate up to 0.01, farthest from 1",
        control=f"no gates, best multiple: slopes {_controls(conditions)}",
        text=f"{passing(conditions)} are first order, with the features' gates and the loss's factor 2. As it is "
        f"printed, eq. 19 lacks the gates: its error at the smallest rate is {ungated['no gates']} %, "
        f"{ungated['gate of x_o']} % with the gate of x_o alone, {ungated['no gates, best multiple']} % times its best "
        "constant.",
    )


@judge("N21", experiment="response_limits")
def responses_add_up(record: xr.Dataset) -> Judgement:
    """One step on several points must be the sum over points weighted by y_i - f, but for an error that is first order.

    The error of the sum relative to the largest response must be in proportion to the rate, slope 1 within 0.1, up to
    rate 0.01; a sum that is wrong would keep its error. Conditions are activations, numbers of points, and epochs of
    training on them before the step. None being named, the control is the sum of the same kernels weighted by the sign
    of y_i - f only, times its best constant.

    Why it fails where it does: training on several points leaves ReLUs' features at their kink, which is counted.
    """
    slopes = by_rate(record, "superposition_error")
    errors = record["superposition_error"]
    conditions = []
    for (activation, points, epoch), at in _settings(slopes, "activation", "points", "points_epoch"):
        found, control = (estimate(over_seeds(at.sel(sum=kind))) for kind in ("first order", "signs only"))
        if found is None or control is None:
            continue
        here = errors.sel(activation=activation, points=points, points_epoch=epoch)
        conditions.append(
            Condition.measured(
                f"{ACTIVATION_NAMES[str(activation)]}, {points} points, after {epoch:,} epochs",
                found,
                control=control,
                passes=lies(span(found), *FIRST_ORDER),
                holds_in_control=lies(span(control), *FIRST_ORDER) is True,
                note=f"error {_at(here.sel(sum='first order'), 0.01)}, {_at(here.sel(sum='first order'), 0.1)}; "
                f"sum of exact single steps {_at(here.sel(sum='single steps'), 0.01)}; "
                f"signs only {_at(here.sel(sum='signs only'), 0.01)}",
            )
        )
    untrained = errors.sel(sum="first order").isel(points_epoch=0)
    by_points = "; ".join(
        f"{points} points {_at(untrained.sel(points=points), 0.01)}" for points in record["points"].values
    )
    shares = 100 * record["at_kink"].mean(("points", "seed"))
    kinks = "; ".join(
        f"{ACTIVATION_NAMES[str(activation)]} {float(at[0]):.2g} % before training, {float(at[-1]):.2g} % after"
        for activation, at in zip(shares["activation"].values, shares.transpose("activation", ...), strict=True)
    )
    return conclude(
        farthest(conditions, 1.0),
        conditions,
        measure="slope of log error of the weighted sum on log rate up to 0.01, farthest from 1",
        control=f"signs only: slopes {_controls(conditions)}",
        text=f"{passing(conditions)} add up to first order. With the summed loss a step grows with the number of "
        f"points, and before training the error with it: {by_points}. Where many features lie at their kink at the "
        f"trained points, a step carries some across, and no order of the rate is seen: {kinks}.",
    )


@judge("N22", experiment="response_limits")
def wide_networks_keep_their_kernel(record: xr.Dataset) -> Judgement:
    """The kernel's relative change in training must fall with the width as a power between -1/2 and -1.

    Training ends at one error for all widths, and the slope is fitted from 128 features on. Conditions are activations
    in both parametrisations: torch's initial weights with a rate in inverse proportion to the width, and a readout over
    the root of the width at one rate. A steeper fall keeps the kernel all the better, but is not what was stated.
    """
    slopes, every = by_width(record), by_width(record, wide=False)
    conditions = []
    for (activation, kind), at in _settings(slopes, "activation", "parametrisation"):
        found = estimate(over_seeds(at))
        if found is None:
            continue
        change = record["kernel_change"].sel(activation=activation, parametrisation=kind).mean("seed")
        first, last = change.isel(width=0), change.isel(width=-1)
        conditions.append(
            Condition.measured(
                f"{ACTIVATION_NAMES[str(activation)]}, {kind}",
                found,
                passes=lies(span(found), *FALL),
                note=f"change {float(first):.2g} with {int(first['width'])} features, {float(last):.2g} with "
                f"{int(last['width']):,}; over all widths "
                f"{float(every.sel(activation=activation, parametrisation=kind).mean()):.2f}",
            )
        )
    of_kind = {
        kind: range_of([c.effect for c in conditions if c.name.endswith(kind)])
        for kind in record["parametrisation"].values
    }
    error = float(record.attrs["error"])
    return conclude(
        farthest(conditions, -0.75),
        conditions,
        measure="slope of the log change of the kernel on log width, farthest from -3/4",
        control="; ".join(f"{kind}: {slopes}" for kind, slopes in of_kind.items()),
        text=f"{passing(conditions)} fall as stated, from the start to an error of {error:g}. A steeper "
        "fall than -1 keeps the kernel of a wide network all the better.",
    )
