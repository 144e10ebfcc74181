"""Accuracies on random parts of a test set, and how far drawing alone spreads them.

Of n test samples, each right or wrong, m are drawn without replacement. Accuracies on such parts scatter about the
accuracy p on all n with the variance of the hypergeometric law, whatever was trained and however it agrees with others.
"""

import numpy as np


def subset_accuracies(
    correct: np.ndarray, size: int, draws: int, generator: int | np.random.Generator = 0
) -> np.ndarray:
    """Return accuracies on random subsets without replacement, the same subsets for every leading index.

    Parameters
    ----------
    correct
        Whether each test sample is classified correctly, shape (..., sample).
    size
        Samples of a subset.
    draws
        Number of subsets.
    generator
        numpy Generator, or a seed for one.

    Returns
    -------
    numpy.ndarray
        Shape (..., draw).

    Raises
    ------
    ValueError
        If a subset would be empty or larger than the whole, or `correct` holds other values than 0 and 1.

    Examples
    --------
    >>> subset_accuracies(np.array([[True, True, True, True], [False, False, False, False]]), size=2, draws=3)
    array([[1., 1., 1.],
           [0., 0., 0.]])
    """
    samples = correct.shape[-1]
    if not 0 < size <= samples:
        raise ValueError(f"A subset of {size} samples cannot be drawn from {samples}: use 1 to {samples}.")
    if not np.isin(correct, (0, 1)).all():
        raise ValueError("Samples are classified correctly or not: give truth values, such as predictions == labels.")
    rng = np.random.default_rng(generator)
    chosen = np.zeros((draws, samples), dtype=np.float32)
    for row in chosen:
        row[rng.choice(samples, size, replace=False, shuffle=False)] = 1
    return np.asarray(np.asarray(correct, dtype=np.float32) @ chosen.T, dtype=np.float64) / size


def sampling_deviation(accuracy: np.ndarray, size: int, samples: int) -> np.ndarray:
    r"""Return what sampling alone makes of the spread of accuracies.

    .. math:: \sqrt{\frac{p (1 - p)}{m} \cdot \frac{n - m}{n - 1}}

    for subsets of m out of n samples, drawn without replacement, of which a share p is classified correctly.

    Parameters
    ----------
    accuracy
        Share p, any shape.
    size
        Samples m of a subset.
    samples
        Samples n in all.

    Returns
    -------
    numpy.ndarray
        Same shape: standard deviation of the accuracy on one subset.

    Examples
    --------
    >>> sampling_deviation(np.array(0.5), size=1, samples=10_000)
    array(0.5)
    """
    return np.asarray(np.sqrt(accuracy * (1 - accuracy) / size * (samples - size) / (samples - 1)))
