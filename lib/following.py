"""Follow the observables of a network while it learns, from a training loop of one's own."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import xarray as xr
from torch import Tensor, nn

from lib.measures.patterns import Budget
from lib.measures.weights import weight_plane
from lib.probing import probe

SHARE = 0.05
"""Share of the time that looking may take by default."""

BUDGET = Budget(hidden=32, steps=100, batch=128)
"""Of the masked network at each look: small, for what counts is the comparison between looks."""

GROWTH = 1.1
"""Least factor between the steps of two looks: early on, where most happens, looks are close together."""


class Follower:
    """Looks at a network now and then while it learns: at its weights, and at its layers' patterns on a few inputs.

    Call it once a step. By default it looks first at step 0, then whenever the next look would keep the time spent on
    looking within a share of all time since the first look began, and the step is at least a tenth further than at the
    last look. So it takes that share at most, whatever the network, but for the first look of a short training; when it
    looks depends on the machine. With `steps` it looks at those steps, whatever it costs.

    A training that diverges goes on being followed: what is nan, infinite or all alike is nan in the course, with a
    note that says why.

    Parameters
    ----------
    model
        Any module with rectifiers (`lib.probing.RECTIFIERS`), or give `layers`.
    inputs
        What layers are read on, shape (sample, ...): a few hundred held-out samples, the same at every look.
    layers
        Names of activation modules, as for `lib.probing.probe`.
    steps
        Steps to look at, instead of the default schedule.
    share
        Of the time.
    rule, bins
        Of the weights' histograms, see `lib.measures.weights.weight_plane`.
    method, budget
        Of the patterns' entropy, see `lib.measures.patterns.pattern_entropy`; without a method it is left out.
    patches
        Pixels or tokens of each input that are read.
    seed
        Of the estimates.

    Raises
    ------
    ValueError
        If the share is not between 0 and 1, or steps do not rise; what `probe` and `weight_plane` raise of a network
        that has not diverged.

    Examples
    --------
    >>> import torch
    >>> _ = torch.manual_seed(0)
    >>> model, x = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)), torch.randn(200, 4)
    >>> optimizer = torch.optim.SGD(model.parameters(), 0.1)
    >>> follow = Follower(model, x, steps=(0, 5, 10))
    >>> for step in range(11):
    ...     _ = follow(step)
    ...     loss = nn.functional.cross_entropy(model(x), (x[:, 0] > 0).long())
    ...     optimizer.zero_grad(); loss.backward(); optimizer.step()
    >>> course = follow.course()
    >>> course["step"].values.tolist(), course["effective_dimension"].dims, course["h"].dims
    ([0, 5, 10], ('step', 'layer'), ('step', 'rule', 'matrix'))
    """

    def __init__(
        self,
        model: nn.Module,
        inputs: Tensor,
        layers: Sequence[str] | None = None,
        *,
        steps: Sequence[int] | None = None,
        share: float = SHARE,
        rule: str = "spread",
        bins: int = 256,
        method: str | None = "autoregressive",
        budget: Budget = BUDGET,
        patches: int | None = 4,
        seed: int = 0,
    ) -> None:
        if not 0 < share < 1:
            raise ValueError(f"A share of {share:g} of the time is none: give a number between 0 and 1, such as 0.05.")
        steps = None if steps is None else list(steps)
        if steps is not None and (not steps or steps != sorted(set(steps)) or steps[0] < 0):
            raise ValueError(f"Steps {tuple(steps)} do not rise from 0 on.")
        self.model, self.inputs, self.layers = model, inputs, layers
        self._steps = None if steps is None else frozenset(steps)
        self._share, self._rule, self._bins = share, rule, bins
        self._method, self._budget, self._patches, self._seed = method, budget, patches, seed
        self._looks: list[xr.Dataset] = []
        self._next, self._spent, self._last = 0, 0.0, 0.0
        self._start: float | None = None

    @property
    def seconds(self) -> float:
        """Time spent on looking so far."""
        return self._spent

    def __call__(self, step: int, **scalars: float) -> bool:
        """Look if it is time to.

        Parameters
        ----------
        step
            Number of steps made so far.
        scalars
            To be kept beside the look, such as ``loss=...``.

        Returns
        -------
        bool
            Whether it looked.
        """
        now = time.perf_counter()
        if self._start is None:
            self._start = now
        if not self._due(step, now - self._start):
            return False
        self.look(step, **scalars)
        return True

    def look(self, step: int, **scalars: float) -> xr.Dataset:
        """Look now, whatever the schedule says, and return what was seen."""
        start = time.perf_counter()
        seen = ("complexity", "linearity", "effective_dimension")
        try:
            layers = probe(
                self.model,
                self.inputs,
                self.layers,
                seen if self._method else seen[1:],
                method=self._method or "autoregressive",
                budget=self._budget,
                patches=self._patches,
                seed=self._seed,
            ).assign(layers_note="")
        except ValueError as error:
            if "nan or infinite" not in str(error) or not bool(self.inputs.isfinite().all()):
                raise
            layers = xr.Dataset({"layers_note": str(error)})  # a look is no reason to end somebody's training
        weights = weight_plane(self.model, (self._rule,), self._bins, seed=self._seed, strict=False)
        weights = weights.rename(layer="matrix", entropy="weight_entropy", complexity="weight_complexity")
        found = xr.merge([layers, weights], combine_attrs="drop_conflicts").assign_coords(step=step)
        if taken := sorted(set(scalars) & {*map(str, found.variables), *map(str, found.dims)}):
            raise ValueError(f"{taken[0]!r} is the name of what is followed anyway: give the number another.")
        self._looks.append(found.assign({name: ((), float(value)) for name, value in scalars.items()}))
        self._next = max(step + 1, math.ceil(step * GROWTH))
        self._last = time.perf_counter() - start
        self._spent += self._last
        return found

    def course(self) -> xr.Dataset:
        """Return all looks, along dimension ``step``.

        Returns
        -------
        Dataset
            By ``step``, what `lib.probing.probe` gives by ``layer``; what `lib.measures.weights.weight_plane` gives by
            ``rule`` and ``matrix`` (there ``layer``, ``weight_entropy`` and ``weight_complexity`` for its ``entropy``
            and ``complexity``); and the scalars that were given. Where there was nothing, there is nan: ``note`` says
            by matrix why it had no place, ``layers_note`` why the layers could not be read.

        Raises
        ------
        ValueError
            If there was no look yet.
        """
        if not self._looks:
            raise ValueError("Nothing was looked at yet: call the follower once a step, from step 0 on.")
        first = {name: values for look in reversed(self._looks) for name, values in look.drop_vars("step").items()}
        nothing = {name: xr.full_like(values, math.nan, float) for name, values in first.items()}
        looks = [look.assign({name: nothing[name] for name in nothing if name not in look}) for look in self._looks]
        return xr.concat(looks, "step", coords="minimal", compat="override", combine_attrs="drop_conflicts")

    def _due(self, step: int, elapsed: float) -> bool:
        if self._steps is not None:
            return step in self._steps
        if not self._looks:
            return True
        return step >= self._next and self._spent + self._last <= self._share * (elapsed + self._last)
