r"""A lower bound on the entropy of binary patterns, from how often two samples coincide.

Learned predictors bound entropy from above. From below there is the collision entropy (Rényi's of order 2),

.. math:: H_2 = -\log_2 \sum_z p(z)^2 \le H ,

with equality where all patterns that occur are equally likely. The sum is the probability that two independent samples
coincide, and n samples make n (n - 1) / 2 pairs: coincidences are seen up to about twice the bits that counting sees.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lib.measures._chunks import Array
from lib.measures._packing import pack
from lib.measures.patterns import require_groups, require_patterns


@dataclass(frozen=True)
class CollisionEntropy:
    """Collision entropy with its standard error."""

    bits: float  # at most the entropy; inf where no two samples coincide
    standard_error: float  # of `bits`, over groups; nan without coincidences
    coincidences: int  # pairs of samples of different groups that have one pattern
    pairs: int  # of samples of different groups


def collision_entropy(
    z: Array, *, groups: Sequence[int] | np.ndarray | None = None, units: int | None = None
) -> CollisionEntropy:
    r"""Collision entropy of binary patterns, in bits: a lower bound on their entropy.

    Parameters
    ----------
    z
        Patterns, shape (sample, unit), of 0 and 1, or packed with `units`, as for
        `lib.measures.patterns.pattern_entropy`.
    groups
        Label of each sample's group, such as the image that a patch is from. Pairs within a group are no independent
        samples and do not count.
    units
        Number of units, where `z` is packed.

    Returns
    -------
    CollisionEntropy
        Its probability of a coincidence is an unbiased mean over pairs; the standard error is that of a U-statistic of
        degree 2 over groups, up to 1.4 times too large where all patterns are equally likely.

    Raises
    ------
    ValueError
        If patterns are no table of 0 and 1, groups do not fit, or all samples are of one group.

    Notes
    -----
    Source: Ma (1981), J. Stat. Phys. 26, 221, who counts coincidences of trajectories; Rényi (1961) for :math:`H_2`;
    Hoeffding (1948) for the error.

    Examples
    --------
    >>> z = np.random.default_rng(0).integers(0, 2, (2000, 10))  # uniform: the bound is the entropy
    >>> found = collision_entropy(z)
    >>> abs(found.bits - 10) < 3 * found.standard_error
    True
    """
    patterns = require_patterns(z[None], units)[0] if getattr(z, "ndim", 0) == 2 else require_patterns(z, units)
    of_group = require_groups(groups, len(patterns)).numpy()
    sizes = np.bincount(of_group)
    if len(sizes) < 2:
        raise ValueError("All samples are of one group: coincidences need two independent groups at least.")
    packed = np.ascontiguousarray(pack(patterns).cpu().numpy())
    state, count = np.unique(packed.view(f"V{packed.shape[1]}").ravel(), return_inverse=True, return_counts=True)[1:]
    # for each sample, how many samples have its pattern, and how many of those in its own group
    _, of_both, in_group = np.unique(
        state.astype(np.int64) * len(sizes) + of_group, return_inverse=True, return_counts=True
    )
    matches = np.bincount(of_group, (count[state] - in_group[of_both]).astype(np.float64))
    possible = sizes * (len(of_group) - sizes).astype(np.float64)
    coincidences, pairs = int(matches.sum()) // 2, int(possible.sum()) // 2
    if not coincidences:
        return CollisionEntropy(math.inf, math.nan, 0, pairs)
    probability = coincidences / pairs
    # the first term of the U-statistic's variance, for a ratio of sums over groups
    excess = matches - probability * possible
    share = len(sizes) / (len(sizes) - 1)
    error = 2 * math.sqrt(share * float((excess**2).sum())) / (2 * pairs)
    return CollisionEntropy(-math.log2(probability), error / probability / math.log(2), coincidences, pairs)
