"""Entropy from a chain of classifiers, one for each unit given those before it, as in appendix B of J.

Janik (2019), arXiv:1909.10831, and its public code: version 0.90 of xgboost with its defaults of that time, new random
folds for every unit, probabilities kept from 0 and 1 by 1e-8, and the first unit by its share of ones, which is not
cross-validated.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

CLIP = 1e-8  # probabilities lie between this and 1 less this

XGBOOST = {
    "n_estimators": 100,
    "max_depth": 3,
    "learning_rate": 0.1,
    "base_score": 0.5,  # later versions fit it
    "tree_method": "hist",
    "max_bin": 256,
    "min_child_weight": 1,
    "reg_lambda": 1,
}
"""What xgboost 0.90 did without being asked, said out loud: later versions have other defaults."""

LOGISTIC = {"C": 1.0, "solver": "lbfgs", "max_iter": 1000}
"""scikit-learn's logistic regression with its defaults, and steps enough to converge."""


_SMALL = 10_000  # samples up to which one thread is as fast as several, and on a busy machine faster


def _xgboost(seed: int, samples: int) -> Any:
    from xgboost import XGBClassifier  # slow to import, and needed by this method only

    return XGBClassifier(random_state=seed, n_jobs=1 if samples <= _SMALL else None, **XGBOOST)


def _logistic(seed: int, samples: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(random_state=seed, **LOGISTIC)


CLASSIFIERS: dict[str, tuple[Callable[[int, int], Any], dict[str, Any]]] = {
    "xgboost": (_xgboost, XGBOOST),
    "logistic": (_logistic, LOGISTIC),
}
"""By name, what makes a classifier from a seed and a number of samples, and its settings."""


def score(z: NDArray[np.uint8], groups: NDArray[np.int64], method: str, folds: int, seed: int) -> NDArray[np.float64]:
    """Return the surprise of every pattern in bits, shape (sample,).

    `groups` holds for each row of `z` the number of its group, from 0 on; a group is never split between folds.
    """
    make, _ = CLASSIFIERS[method]
    generator = np.random.default_rng(seed)
    count = int(groups.max()) + 1
    surprise = _surprise(np.full(len(z), z[:, 0].mean()), z[:, 0])
    for unit in range(1, z.shape[1]):
        # as evenly as group numbers allow: every fold has count // folds groups, some one more
        fold_of = generator.permutation(np.arange(count) % folds)[groups]
        chance = np.empty(len(z))
        for fold in range(folds):
            test = fold_of == fold
            known = z[~test, unit]
            if known.min() == known.max():  # nothing to tell apart
                chance[test] = known[0]
            else:
                model = make(seed, len(known)).fit(z[~test, :unit], known)
                chance[test] = model.predict_proba(z[test, :unit])[:, 1]
        surprise += _surprise(chance, z[:, unit])
    return surprise


def _surprise(chance: NDArray[np.float64], z: NDArray[np.uint8]) -> NDArray[np.float64]:
    chance = np.clip(chance, CLIP, 1 - CLIP)
    return np.asarray(-np.log2(np.where(z == 1, chance, 1 - chance)))
