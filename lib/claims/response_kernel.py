"""Judges of the shape of the response kernel: N4 to N8, N10 and N13, on records of ``training_response``."""

from __future__ import annotations

from itertools import product

import numpy as np
import xarray as xr

from lib.claims import _response as shared
from lib.claims._judging import TINY, conclude, passing, range_of, span
from lib.claims._model import Condition, Judgement
from lib.claims._registry import judge
from lib.claims._verdict import lies
from lib.measures.curves import sign_changes
from lib.measures.response import first_singular_share
from lib.measures.statistics import kendall_tau, seed_interval

PLAIN = ("ReLU", "ELU")
RATES = (*shared.PLAIN_RATES, 1.0)
"""What is said of kernels is said of every rate."""

PRODUCT = 0.95
"""Share of the first singular value from which response is a law in time times a kernel in space."""

FALL = -0.9
"""Rank correlation with distance below which a kernel falls."""

NEGATIVE = (0.001, 0.05)
"""Share of negative entries up to which a kernel is positive, and above which it is not."""

S_SHAPED = (0.05, 0.5)
"""Share of S-shaped profiles below which they are rare, and above which they are the rule."""

EXPLAINED = 0.9
"""Share of variance from which eq. 20 explains a kernel."""

EARLY = 10
"""Epochs that count as the first ones."""


def _profile_epochs(runs: xr.Dataset) -> np.ndarray:
    return np.asarray(runs["profile_epoch"].values)


@judge("N4", experiment="training_response")
def response_is_a_product(record: xr.Dataset) -> Judgement | None:
    """Share of the first singular value of the kernel over (epoch, distance), each epoch's scaled to length 1, > 0.95.

    Of output and logit, over the epochs to 10 and over all. Scaled rows leave ageing out: else the first epochs, where
    the response is large, would decide alone.
    """
    conditions = []
    for name, rate, runs in shared.each(record, PLAIN, RATES):
        epochs = _profile_epochs(runs)
        for kind, (until, chosen) in product(
            shared.KERNELS, (("to epoch 10", epochs <= EARLY), ("all epochs", epochs >= 0))
        ):
            share = seed_interval(first_singular_share(shared.kernel(runs, kind)[:, chosen]))
            conditions.append(
                Condition.measured(
                    shared.condition_name(name, rate, kind, until), share, passes=lies(span(share), low=PRODUCT)
                )
            )
    if not conditions:
        return None
    carrier = min(conditions, key=lambda condition: condition.effect)
    by = {
        key: [c for c in conditions if c.name.endswith(key)]
        for key in ("output, to epoch 10", "output, all epochs", "logit, to epoch 10", "logit, all epochs")
    }
    said = "; ".join(f"{key} {range_of([c.effect for c in found])}" for key, found in by.items() if found)
    return conclude(
        carrier,
        conditions,
        measure=f"share of the first singular value of kernels by epoch and distance, smallest ({carrier.name})",
        control="epochs to 10 beside all: conditions of their own",
        text=f"{passing(conditions)} are a law in time times a kernel: {said}.",
    )


@judge("N5", experiment="training_response")
def kernel_falls_with_distance(record: xr.Dataset) -> Judgement | None:
    """Rank correlation of the output's kernel with Hamming distance below -0.9 at epochs 1 to 10, mean over them.

    Controls: the untrained network, which passes if the kernel falls before anything is learned; and permuted inputs,
    where all strings but the trained one have changed places.
    """
    conditions, permuted = [], []
    for name, rate, runs in shared.each(record, PLAIN, RATES):
        epochs = _profile_epochs(runs)
        distance = np.arange(runs.sizes["distance"])
        found = {kind: kendall_tau(shared.kernel(runs, kind), distance) for kind in (*shared.KERNELS, "permuted")}
        first = (epochs >= 1) & (epochs <= EARLY)
        permuted.append(float(seed_interval(found["permuted"][:, first].mean(1)).mean))
        effect, before = seed_interval(found["output"][:, first].mean(1)), seed_interval(found["output"][:, 0])
        conditions.append(
            Condition.measured(
                shared.condition_name(name, rate),
                effect,
                control=before,
                passes=lies(span(effect), high=FALL),
                holds_in_control=lies(span(before), high=FALL) is True,
                note=f"at the last epoch {found['output'][:, -1].mean():.2f}; of the logit's kernel "
                f"{found['logit'][:, first].mean():.2f}, at the last epoch {found['logit'][:, -1].mean():.2f}; with "
                f"permuted strings {permuted[-1]:.2f}",
            )
        )
    if not conditions:
        return None
    carrier = max(conditions, key=lambda condition: condition.effect)
    return conclude(
        carrier,
        conditions,
        measure=f"rank correlation of the kernel with distance at epochs 1 to {EARLY}, highest ({carrier.name})",
        control=f"untrained: {range_of([c.control for c in conditions if c.control is not None])}; permuted strings: "
        f"{range_of(permuted)}",
        text=f"{passing(conditions)} fall with distance: {range_of([c.effect for c in conditions])}. A kernel that "
        "falls before training is a property of the network's form and not of what it learned.",
    )


@judge("N6", experiment="training_response")
def peak_moves_away(record: xr.Dataset) -> Judgement | None:
    """Distance of the output kernel's peak at the last epoch less that at the first above 0.

    Control: the logit's kernel, without the slope of the sigmoid. If eq. 20 is the reason its peak must stay.
    """
    conditions = []
    for name, rate, runs in shared.each(record, PLAIN, RATES):
        moved = {}
        for kind in shared.KERNELS:
            peaks = shared.kernel(runs, kind).argmax(-1)
            moved[kind] = seed_interval((peaks[:, -1] - peaks[:, 0]).astype(np.float64))
        conditions.append(
            Condition.measured(
                shared.condition_name(name, rate),
                moved["output"],
                control=moved["logit"],
                passes=lies(span(moved["output"]), low=TINY),
                holds_in_control=lies(span(moved["logit"]), low=TINY) is True,
                note="control: the logit's kernel",
            )
        )
    if not conditions:
        return None
    carrier = min(conditions, key=lambda condition: condition.effect)
    logit = range_of([c.control for c in conditions if c.control is not None])
    return conclude(
        carrier,
        conditions,
        measure=f"distance by which the kernel's peak moves away from the point, smallest ({carrier.name})",
        control=f"the logit's kernel: its peak moves by {logit}",
        text=f"{passing(conditions)} have a peak that moves away, by {range_of([c.effect for c in conditions])} bits. "
        "Where it stays in the logit, the slope of the sigmoid alone moves it, as the text says.",
    )


@judge("N7", experiment="training_response")
def only_elus_kernel_is_negative(record: xr.Dataset) -> Judgement | None:
    """Share of strings that move the other way, mean over epochs from 1 on: none with ReLU, above 0.05 with ELU.

    Control: the same share before training.
    """
    conditions = []
    for name, rate, runs in shared.each(record, PLAIN, RATES):
        share = runs["negative"].transpose("seed", "epoch").values.astype(np.float64)
        effect, before = seed_interval(share[:, 1:].mean(1)), seed_interval(share[:, 0])

        def passes(found: tuple[float, float], name: str = name) -> bool | None:
            return lies(found, high=NEGATIVE[0]) if name == "ReLU" else lies(found, low=NEGATIVE[1])

        conditions.append(
            Condition.measured(
                shared.condition_name(name, rate),
                effect,
                control=before,
                passes=passes(span(effect)),
                holds_in_control=passes(span(before)) is True,
            )
        )
    if not conditions:
        return None
    carrier = max((c for c in conditions if c.name.startswith("ReLU")), key=lambda c: c.effect, default=conditions[0])
    shares = {
        name: range_of([c.effect for c in conditions if c.name.startswith(name)], 3)
        for name in PLAIN
        if any(c.name.startswith(name) for c in conditions)
    }
    untrained = {
        name: range_of([c.control for c in conditions if c.name.startswith(name) and c.control is not None], 3)
        for name in shares
    }
    return conclude(
        carrier,
        conditions,
        measure=f"share of strings that move the other way, largest with ReLU ({carrier.name})",
        control="untrained: " + ", ".join(f"{name} {share}" for name, share in untrained.items()),
        text=f"{passing(conditions)} are as stated: shares are "
        + ", ".join(f"{share} with {name}" for name, share in shares.items())
        + ".",
    )


def s_shaped(profiles: np.ndarray) -> np.ndarray:
    """Say which profiles (..., distance) change the sign of their curvature once and end below 0.

    Examples
    --------
    >>> s_shaped(np.array([[3.0, 2.5, 0.5, -1.5, -2.0], [3.0, 1.0, 0.5, 0.2, 0.1]]))
    array([ True, False])
    """
    curvature = np.diff(profiles, 2, axis=-1)
    tolerance = 1e-6 * np.abs(profiles).max(-1, keepdims=True)
    return np.asarray((sign_changes(curvature, tolerance).sum(-1) == 1) & (profiles[..., -1] < 0))


@judge("N8", experiment="training_response")
def only_elus_kernel_is_s_shaped(record: xr.Dataset) -> Judgement | None:
    """Share of S-shaped kernels over seeds and epochs from 1 on: above one half with ELU, below 5 % with ReLU.

    S-shaped is a profile with one change of curvature and a negative far end. Controls: the logit's kernel, in the
    notes, and the untrained network.
    """
    conditions = []
    for name, rate, runs in shared.each(record, PLAIN, RATES):
        shaped = {kind: s_shaped(shared.kernel(runs, kind)).astype(np.float64) for kind in shared.KERNELS}
        effect, before = seed_interval(shaped["output"][:, 1:].mean(1)), seed_interval(shaped["output"][:, 0])

        def passes(found: tuple[float, float], name: str = name) -> bool | None:
            return lies(found, high=S_SHAPED[0]) if name == "ReLU" else lies(found, low=S_SHAPED[1])

        conditions.append(
            Condition.measured(
                shared.condition_name(name, rate),
                effect,
                control=before,
                passes=passes(span(effect)),
                holds_in_control=passes(span(before)) is True,
                note=f"the logit's kernel {shaped['logit'][:, 1:].mean():.2f}; at the last epoch "
                f"{shaped['output'][:, -1].mean():.2f}",
            )
        )
    if not conditions:
        return None
    carrier = min((c for c in conditions if c.name.startswith("ELU")), key=lambda c: c.effect, default=conditions[0])
    return conclude(
        carrier,
        conditions,
        measure=f"share of S-shaped kernels over seeds and epochs, smallest with ELU ({carrier.name})",
        control=f"untrained: {range_of([c.control for c in conditions if c.control is not None])}",
        text=f"{passing(conditions)} are as stated; shares are "
        + ", ".join(
            f"{range_of([c.effect for c in conditions if c.name.startswith(name)])} with {name}"
            for name in PLAIN
            if any(c.name.startswith(name) for c in conditions)
        )
        + ".",
    )


def kernel_change(runs: xr.Dataset, kind: str) -> np.ndarray:
    """Return how far the kernel, scaled to length 1, lies from that before training: mean over epochs, one per seed."""
    kernel = shared.kernel(runs, kind)
    return np.asarray(np.linalg.norm(kernel[:, 1:] - kernel[:, :1], axis=-1).mean(1))


def _log_ratio(runs: xr.Dataset, base: xr.Dataset, kind: str) -> np.ndarray:
    """Logarithm of the kernel's change over that of other runs; 0 where neither changes."""
    first, second = (np.maximum(kernel_change(each, kind), TINY) for each in (runs, base))
    return np.asarray(np.log(first / second))


@judge("N10", experiment="training_response")
def wrong_labels_hold_the_kernel(record: xr.Dataset) -> Judgement | None:
    """Logarithm of the kernel's change with 10 % wrong labels over that without below 0; signs as in N7.

    Of output and logit, seeds paired. Control: the mean label, 0.9, without noise.
    """
    conditions = []
    for name, rate, runs in shared.each(record, ("ReLU, 10 % wrong", "ELU, 10 % wrong"), RATES):
        plain = name.split(",")[0]
        clean, mean = (shared.one(record, other, rate) for other in (plain, f"{plain}, target 0.9"))
        if clean is None:
            continue
        for kind in shared.KERNELS:
            ratio = seed_interval(_log_ratio(runs, clean, kind))
            control = None
            if mean is not None:
                paired = clean.sel(seed=mean["seed"].values)
                control = seed_interval(_log_ratio(mean, paired, kind))
            conditions.append(
                Condition.measured(
                    shared.condition_name(plain, rate, kind, "change"),
                    ratio,
                    control=control,
                    passes=lies(span(ratio), high=-TINY),
                    holds_in_control=None if control is None else lies(span(control), high=-TINY) is True,
                    note=f"the change is {np.exp(float(ratio.mean)):.2f} times that without wrong labels",
                )
            )
        share = seed_interval(runs["negative"].transpose("seed", "epoch").values[:, 1:].astype(np.float64).mean(1))
        sign = lies(span(share), high=NEGATIVE[0]) if plain == "ReLU" else lies(span(share), low=NEGATIVE[1])
        conditions.append(
            Condition.measured(shared.condition_name(plain, rate, "share of negative entries"), share, passes=sign)
        )
    changes = [c for c in conditions if c.name.endswith("change")]
    if not changes:
        return None
    carrier = max(changes, key=lambda condition: condition.effect)
    held = sum(c.holds_in_control is True for c in changes)
    return conclude(
        carrier,
        conditions,
        measure=f"log of the kernel's change with wrong labels over that without, highest ({carrier.name})",
        control=f"target 0.9 without noise: the kernel changes less in {held} of {len(changes)}",
        text=f"{passing(changes)} change less with wrong labels; signs are as without in "
        f"{passing([c for c in conditions if c not in changes])}.",
    )


def predicted_kernel(runs: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    r"""Return the last output kernel, and what eq. 20 gives with the constants of epoch 0, shape (seed, distance).

    The logit's kernel before training is fitted by a line in :math:`x \cdot x_o`, multiplied with the slope of the
    sigmoid at the last epoch, and scaled to the kernel measured there.
    """
    before, measured = shared.kernel(runs, "logit")[:, 0], shared.kernel(runs, "output")[:, -1]
    distance = np.arange(before.shape[-1], dtype=np.float64)
    line = np.polynomial.polynomial.polyval(distance, np.polynomial.polynomial.polyfit(distance, before.T, 1))
    slope = runs["slope_at"].isel(profile_epoch=-1).transpose("seed", "distance").values.astype(np.float64)
    expected = line * slope
    return measured, expected * (expected * measured).sum(-1, keepdims=True) / (expected**2).sum(-1, keepdims=True)


def change_explained(runs: xr.Dataset) -> np.ndarray:
    """Return the share of the last output kernel's variance over distances that `predicted_kernel` explains."""
    measured, expected = predicted_kernel(runs)
    rest = ((measured - expected) ** 2).sum(-1)
    return np.asarray(1 - rest / ((measured - measured.mean(-1, keepdims=True)) ** 2).sum(-1))


@judge("N13", experiment="training_response")
def constants_explain_the_kernel(record: xr.Dataset) -> Judgement | None:
    """R2 of the logit's response on x . x_o above 0.9, the smallest epoch's mean over seeds; and of its later change.

    The change: the output's kernel at the last epoch against the constants of epoch 0 times the slope of the sigmoid
    that is measured there. Controls: a square beside the line, and the kernel of infinitely many ReLU units.
    """
    conditions = []
    for name, rate, runs in shared.each(record, PLAIN, RATES):
        explained = {
            key: runs[key].transpose("seed", "epoch").values.astype(np.float64)
            for key in ("linear", "quadratic", "arc_cosine")
        }
        at = int(explained["linear"].mean(0).argmin())
        found = {key: seed_interval(values[:, at]) for key, values in explained.items()}
        conditions.append(
            Condition.measured(
                shared.condition_name(name, rate, "kernel"),
                found["linear"],
                control=found["quadratic"],
                passes=lies(span(found["linear"]), low=EXPLAINED),
                note=f"at epoch {int(runs['epoch'][at])}; before training {explained['linear'][:, 0].mean():.3f}, last "
                f"{explained['linear'][:, -1].mean():.3f}; control: with a square; infinitely many ReLU units "
                f"{float(found['arc_cosine'].mean):.3f}",
            )
        )
        change = seed_interval(change_explained(runs))
        conditions.append(
            Condition.measured(
                shared.condition_name(name, rate, "change"), change, passes=lies(span(change), low=EXPLAINED)
            )
        )
    if not conditions:
        return None
    carrier = min(conditions, key=lambda condition: condition.effect)
    kernels = [c for c in conditions if c.name.endswith("kernel")]
    squares = range_of([c.control for c in kernels if c.control is not None])
    return conclude(
        carrier,
        conditions,
        measure=f"share of variance that eq. 20 explains, smallest ({carrier.name})",
        control=f"with a square beside the line: {squares}",
        text=f"{passing(kernels)} are explained at every epoch ({range_of([c.effect for c in kernels])}), and "
        f"{passing([c for c in conditions if c not in kernels])} of the change.",
    )
