r"""What does a layer know? Mutual information of its activations T with the input X and with the labels Y, in bits.

A layer's activations are a torch tensor t of shape (sample, unit), its labels y an integer tensor of shape (sample,). X
is the samples themselves, all different, so that H(X) = log2(samples): the *ceiling* of I(X;T). In evaluation mode T is
a function of X and continuous, so I(X;T) is infinite, and whatever is finite was made so by the estimator: by bins, by
added noise, by a classifier. Hence several estimators, named for what they are:

- :func:`binned_information`: plug-in over the patterns of binned units, I(X;T) and I(T;Y);
- :func:`kde_information`: bounds for T with Gaussian noise, I(X;T + noise) and I(T + noise;Y);
- :func:`knn_information`: nearest neighbours, I(T;Y);
- :func:`probe_information`: what a linear classifier reads out, a lower bound of I(T;Y);
- :func:`permuted`: labels in random order, for the value an estimator gives where there is no information.

All work on the tensor's device in float64, except the probe, which is scikit-learn's and runs on the CPU.
Explained in the chapter on the information plane.
"""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import log_softmax

_ELEMENTS = 2**22  # distances held at once: 32 MiB


@dataclass(frozen=True)
class Information:
    """Plug-in information of a binned layer, in bits, with the binning that made it."""

    with_input: float  #: I(X;T), which is H(T) of the binned layer
    with_labels: float  #: I(T;Y)
    ceiling: float  #: log2(samples), the largest I(X;T) that so many samples can show
    label_entropy: float  #: H(Y), the largest I(T;Y)
    bins: int  #: bins of each unit
    low: float  #: lower edge of the lowest bin, in units of the activations
    high: float  #: upper edge of the highest bin, in units of the activations


@dataclass(frozen=True)
class KdeInformation:
    """Bounds of the information of a layer with Gaussian noise, in bits, with the noise that made them."""

    with_input_low: float  #: I(X;T + noise) is at least this
    with_input_high: float  #: and at most this
    with_labels_low: float  #: I(T + noise;Y) is at least this
    with_labels_high: float  #: and at most this
    with_labels_difference: float  #: difference of two upper bounds of entropy: between the two bounds, no bound itself
    ceiling: float  #: log2(samples), the largest I(X;T + noise) that so many samples can show
    label_entropy: float  #: H(Y), the largest I(T + noise;Y)
    noise_variance: float  #: of each unit, in units of the activations squared


@dataclass(frozen=True)
class Probe:
    """What a linear classifier reads out of a layer, on samples it was not fitted to."""

    accuracy: float  #: share of test samples classified correctly
    bits: float  #: lower bound of I(T;Y), at least 0
    label_entropy: float  #: H(Y) of the test labels in bits, the largest value of `bits`


def binned_information(
    t: torch.Tensor, y: torch.Tensor, bins: int, *, low: float | None = None, high: float | None = None
) -> Information:
    r"""Plug-in information of a layer whose units are cut into equal bins.

    .. math:: I(X;T) = H(T) = -\sum_s p_s \log_2 p_s, \qquad I(T;Y) = H(T) + H(Y) - H(T, Y)

    with p_s the share of samples whose units fall into the same pattern s of bins. H(T) stands alone because the layer
    is a function of its input: H(T|X) = 0.

    Parameters
    ----------
    t
        Activations, shape (sample, unit).
    y
        Labels, integers of shape (sample,).
    bins
        Bins of each unit, at least 2, all units on the same edges.
    low, high
        Range of the bins, in units of the activations; the layer's own smallest and largest activation where None.
        Activations beyond a given range count in the outermost bins.

    Returns
    -------
    Information
        In bits. A constant layer and a single sample have 0.

    Raises
    ------
    ValueError
        If shapes do not match, a value is not finite, there are fewer than 2 bins, or the range is empty.

    Notes
    -----
    With many units nearly every sample has a pattern of its own; then I(X;T) sits at the ceiling and I(T;Y) at H(Y)
    *whatever the labels*: compare with :func:`permuted` labels. Bins over each layer's own range differ between layers,
    so the data-processing inequality need not hold for the estimates, though it holds for the layers.

    Patterns are told apart by a 64-bit random linear hash; the probability that any two different ones are confused is
    below samples² · bins / 2⁶⁵, for 2,000 samples and 30 bins 3·10⁻¹².

    Source: Shwartz-Ziv and Tishby (2017), arXiv:1703.00810; on the range Saxe et al. (2018), ICLR.

    Examples
    --------
    >>> layer = torch.tensor([[0.0, 1.0], [0.1, 0.9], [1.0, 0.0], [0.8, 1.0]])
    >>> found = binned_information(layer, torch.tensor([0, 0, 1, 1]), bins=2)
    >>> found.with_input, found.with_labels, found.ceiling
    (1.5, 1.0, 2.0)
    """
    t, y = _require(t, y)
    if bins < 2:
        raise ValueError(f"{bins} bins tell nothing apart; give at least 2")
    for name, edge in (("low", low), ("high", high)):
        if edge is not None and not np.isfinite(edge):
            raise ValueError(f"the bin edge {name}={edge} is not finite; give a number or None")
    start, stop = float(t.min()) if low is None else low, float(t.max()) if high is None else high
    if stop < start or (stop == start and not (low is None and high is None)):
        raise ValueError(f"the bins' range from {start} to {stop} is empty; give low < high")
    width = (stop - start) / bins or 1.0  # constant layer: all in the lowest bin
    states = ((t - start) / width).floor().clamp(0, bins - 1).long()

    # sums of products wrap around at 2**64, as the hash wants it
    generator = torch.Generator().manual_seed(0)
    factors = torch.randint(-(2**63), 2**63 - 1, (t.shape[1],), generator=generator).to(t.device)
    patterns = _classes((states * factors).sum(dim=1))
    h_t, h_y = _entropy(patterns), _entropy(y)
    h_ty = _entropy(_classes(patterns * (int(y.max()) + 1) + y))
    return Information(
        with_input=h_t,
        with_labels=max(0.0, h_t + h_y - h_ty),
        ceiling=float(np.log2(len(t))),
        label_entropy=h_y,
        bins=bins,
        low=start,
        high=stop,
    )


def kde_information(
    t: torch.Tensor, y: torch.Tensor, noise_variance: float, *, relative: bool = False
) -> KdeInformation:
    r"""Bounds of the information of a layer to which Gaussian noise of equal variance is added, by pairwise distances.

    T + noise is a mixture of n Gaussians, one about each sample. With D the squared distance of two samples,

    .. math:: B(a) = -\frac1n \sum_i \log_2 \frac1n \sum_j e^{-D_{ij} / (a \sigma^2)}, \qquad
        B(8) \le I(X;T + \text{noise}) \le B(2)

    where D / (2 σ²) is the Kullback-Leibler divergence and D / (8 σ²) the Bhattacharyya distance of two components.
    I(T + noise;Y) is that less its mean within the classes: the lower bound takes B(8) of all and B(2) within, the
    upper bound B(2) of all and B(8) within.

    Parameters
    ----------
    t
        Activations, shape (sample, unit).
    y
        Labels, integers of shape (sample,).
    noise_variance
        Variance σ² of the noise on each unit, positive, in units of the activations squared.
    relative
        Give `noise_variance` as a share of the layer's mean variance instead: of the variance over samples (divided by
        n) averaged over units, dead ones too. Results then do not change when a layer is scaled.

    Returns
    -------
    KdeInformation
        In bits. A constant layer and a single sample have 0.

    Raises
    ------
    ValueError
        If shapes do not match, a value is not finite, or the noise variance is not positive.

    Notes
    -----
    Bounds hold for the n samples, as if there were no others: neither exceeds log2(n). They are exact where samples
    coincide or are far apart as compared with σ. The information shrinks with the scale of the layer if the noise is
    absolute. `with_labels_difference` takes B(2) of all and B(2) within, as Saxe et al. do.

    Squared distances grow with the number of units. For d independent units of variance v they are about 2 d v, and the
    lower bound is at the ceiling wherever σ² is well below d v / (4 ln n): many units need much noise.

    Source: Kolchinsky and Tracey (2017), Entropy 19, 361; Saxe et al. (2018), ICLR.

    Examples
    --------
    >>> layer, labels = torch.tensor([[0.0], [0.0], [9.0], [9.0]]), torch.tensor([0, 1, 2, 2])
    >>> found = kde_information(layer, labels, noise_variance=0.01)
    >>> print(round(found.with_input_low, 6), round(found.with_input_high, 6), round(found.with_labels_low, 6))
    1.0 1.0 1.0
    """
    t, y = _require(t, y)
    if not (noise_variance > 0 and np.isfinite(noise_variance)):
        raise ValueError(f"a noise variance of {noise_variance} makes no density; give a positive number")
    centred = t - t.mean(dim=0)  # keeps distances by way of products exact
    scale = float(centred.square().mean()) if relative else 1.0
    n, classes = len(t), torch.nn.functional.one_hot(y).double()
    counts = classes.sum(dim=0)[y]
    variance = noise_variance * scale
    wide, narrow = (torch.zeros(2, dtype=torch.float64, device=t.device) for _ in range(2))  # B(8), B(2): all, within
    if variance > 0 and not _constant(t):
        lengths = centred.square().sum(dim=1)
        for rows in _pieces(t):
            distances = torch.addmm(lengths, centred[rows], centred.T, alpha=-2).add_(lengths[rows, None]).clamp_(min=0)
            distances[torch.arange(len(rows)), rows] = 0
            kernel = distances.mul_(-1 / (8 * variance)).exp_()
            for total in (wide, narrow):
                near = kernel @ classes
                within = near.gather(1, y[rows, None])[:, 0] / counts[rows]
                total -= torch.stack([(near.sum(dim=1) / n).log2().sum(), within.log2().sum()]) / n
                kernel.square_().square_()  # from B(8) to B(2)
    (low, low_within), (high, high_within) = wide.tolist(), narrow.tolist()
    h_y, ceiling = _entropy(y), float(np.log2(n))
    low, high = min(max(0.0, low), ceiling), min(max(0.0, high), ceiling)
    return KdeInformation(
        with_input_low=low,
        with_input_high=high,
        with_labels_low=min(max(0.0, low - high_within), h_y),
        with_labels_high=min(max(0.0, high - low_within), h_y, high),
        with_labels_difference=high - high_within,
        ceiling=ceiling,
        label_entropy=h_y,
        noise_variance=variance,
    )


def knn_information(t: torch.Tensor, y: torch.Tensor, neighbours: int = 3, components: int | None = 10) -> float:
    r"""Information of a layer about the labels by nearest neighbours: are they of the same class?

    .. math:: I(T;Y) = \psi(n) - \langle \psi(n_y) \rangle + \langle \psi(k) \rangle - \langle \psi(m) \rangle

    with ψ the digamma function, n_y the samples of a sample's class, m the samples of any class that are not farther
    than its k-th neighbour of the same class, and < > the mean over samples.

    Parameters
    ----------
    t
        Activations, shape (sample, unit).
    y
        Labels, integers of shape (sample,).
    neighbours
        Neighbours k of the same class, at least 1; in smaller classes all there are.
    components
        Principal components of the layer to go by, not rescaled; None for all units as they are.

    Returns
    -------
    float
        In bits, cut to between 0 and H(Y). A constant layer, a single class and a single sample have 0.

    Raises
    ------
    ValueError
        If shapes do not match, a value is not finite, or `neighbours` or `components` is less than 1.

    Notes
    -----
    The estimate is nearly free of bias in few dimensions and falls short in many, where all distances become alike:
    hence the projection, which may itself lose information. Neither makes it a bound. Classes of one sample are left
    out. Where samples coincide, k is the number of the class as near as the k-th neighbour (Gao et al.); without ties
    this is the estimator of Ross.

    Source: Ross (2014), PLoS ONE 9, e87357; Gao et al. (2017), NeurIPS.

    Examples
    --------
    >>> layer = torch.cat([torch.linspace(0, 1, 50), torch.linspace(5, 6, 50)])[:, None]
    >>> round(knn_information(layer, torch.arange(100) // 50), 2)
    1.0
    """
    t, y = _require(t, y)
    if neighbours < 1:
        raise ValueError(f"{neighbours} neighbours make no estimate; give at least 1")
    if components is not None and components < 1:
        raise ValueError(f"{components} components hold no layer; give at least 1, or None for all units")
    counts = torch.bincount(y)[y]
    keep = counts > 1
    t, y, counts = t[keep], y[keep], counts[keep]
    if len(t) == 0 or _constant(t):
        return 0.0
    t = t - t.mean(dim=0)
    if components is not None and components < t.shape[1]:
        t = t @ torch.linalg.eigh(t.T @ t).eigenvectors[:, -components:]
    n, total = len(t), 0.0
    rank = (counts - 1).clamp(max=neighbours)
    depth = int(rank.max()) + 1  # the sample itself comes first
    for rows in _pieces(t):
        distances = torch.cdist(t[rows], t, compute_mode="donot_use_mm_for_euclid_dist")
        same = distances.masked_fill(y[rows, None] != y, torch.inf)
        radius = same.topk(depth, largest=False).values.gather(1, rank[rows, None])
        k, m = ((d <= radius).sum(dim=1, dtype=torch.int32) - 1 for d in (same, distances))
        total += float((torch.digamma(k.double()) - torch.digamma(m.double())).sum())
    bits = torch.digamma(torch.tensor(float(n), dtype=torch.float64)) - torch.digamma(counts.double()).mean().cpu()
    return min(max(0.0, (float(bits) + total / n) / np.log(2)), _entropy(_classes(y)))


def probe_information(
    t_train: torch.Tensor, y_train: torch.Tensor, t_test: torch.Tensor, y_test: torch.Tensor, strength: float = 0.1
) -> Probe:
    r"""Accuracy of a linear classifier of a layer, and the information about the labels that it proves.

    .. math:: I(T;Y) \ge H(Y) - \frac1n \sum_i \log_2 \frac{1}{q(y_i | t_i)}

    for any classifier q: logistic regression on standardised units, fitted to the training samples and judged on the
    test samples.

    Parameters
    ----------
    t_train, t_test
        Activations, shapes (sample, unit) of the same units.
    y_train, y_test
        Labels, integers of shapes (sample,).
    strength
        scikit-learn's C: weight of the summed loss beside half the squared norm. The larger, the less the
        classifier is held back, the surer of itself it is, and the lower the bound on few samples.

    Returns
    -------
    Probe
        Accuracy as a share, information in bits. Of a constant layer, a single class, or test classes that were never
        trained, `bits` is 0.

    Raises
    ------
    ValueError
        If shapes do not match, a value is not finite, or `strength` is not positive.

    Notes
    -----
    H(Y) is that of the test labels. The bound holds for the population up to the test samples' scatter; a value set to
    0 means that the classifier was worse than none, not that the layer knows nothing.

    Source: Barber and Agakov (2003), NeurIPS; Alain and Bengio (2016), arXiv:1610.01644.

    Examples
    --------
    >>> layer, labels = torch.tensor([[0.0], [0.1], [1.0], [1.1]]), torch.tensor([0, 0, 1, 1])
    >>> probe_information(layer, labels, layer, labels).accuracy
    1.0
    """
    if not (strength > 0 and np.isfinite(strength)):
        raise ValueError(f"a strength of {strength} fits no classifier; give a positive number")
    if t_train.shape[1:] != t_test.shape[1:]:
        raise ValueError(
            f"activations of shapes {tuple(t_train.shape)} and {tuple(t_test.shape)} have other units; "
            "train and test on the same layer"
        )
    for t, y in ((t_train, y_train), (t_test, y_test)):
        _require(t, y)
    x, labels, x_test, labels_test = (
        a.detach().cpu().numpy() for a in (t_train.double(), y_train, t_test.double(), y_test)
    )
    h_y = _entropy(_classes(y_test))
    known = np.unique(labels)
    if len(known) == 1:  # the classifier always says the only class it has seen
        return Probe(accuracy=float((labels_test == known[0]).mean()), bits=0.0, label_entropy=h_y)
    from sklearn.linear_model import LogisticRegression  # slow to import, and needed by this measure only
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(x)
    model = LogisticRegression(C=strength, max_iter=10_000).fit(scaler.transform(x), labels)
    scores = model.decision_function(scaler.transform(x_test))  # not predict_log_proba: a sure classifier's underflows
    log_q = log_softmax(scores if scores.ndim == 2 else np.stack([np.zeros_like(scores), scores], axis=1), axis=1)
    accuracy = float((known[log_q.argmax(axis=1)] == labels_test).mean())
    if not np.isin(labels_test, known).all():  # what was thought impossible happened: infinite cross-entropy
        return Probe(accuracy=accuracy, bits=0.0, label_entropy=h_y)
    cross_entropy = -log_q[np.arange(len(labels_test)), np.searchsorted(known, labels_test)].mean() / np.log(2)
    return Probe(accuracy=accuracy, bits=max(0.0, h_y - float(cross_entropy)), label_entropy=h_y)


def permuted(y: torch.Tensor, generator: int | np.random.Generator) -> torch.Tensor:
    """Labels in random order: what an estimator finds in them is its bias.

    Parameters
    ----------
    y
        Labels, shape (sample,).
    generator
        numpy Generator, or a seed for one.

    Returns
    -------
    torch.Tensor
        Shape (sample,), as many of each class as before, on the same device.

    Examples
    --------
    >>> layer, labels = torch.arange(8.0)[:, None], torch.arange(8) // 4
    >>> binned_information(layer, permuted(labels, generator=0), bins=8).with_labels  # every sample its own pattern
    1.0
    """
    order = np.random.default_rng(generator).permutation(len(y))
    return y[torch.from_numpy(order).to(y.device)]


def _require(t: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Activations in float64 and labels counted from 0 on one device, or ValueError."""
    if t.ndim != 2 or 0 in t.shape:
        raise ValueError(
            f"activations of shape {tuple(t.shape)} are no layer; give (sample, unit), at least one of each"
        )
    if y.shape != t.shape[:1]:
        raise ValueError(f"labels of shape {tuple(y.shape)} do not match {len(t)} samples; give one label a sample")
    if y.is_floating_point() or y.is_complex():
        raise ValueError(f"labels of type {y.dtype} are no classes; give integers")
    if not torch.isfinite(t).all():
        raise ValueError(f"{int((~torch.isfinite(t)).sum())} activations are not finite; leave those samples out")
    return t.detach().to(torch.float64), _classes(y.detach().to(t.device))


def _classes(values: torch.Tensor) -> torch.Tensor:
    """Values as numbers from 0 on, equal ones alike."""
    return torch.unique(values, return_inverse=True)[1]


def _entropy(classes: torch.Tensor) -> float:
    """Plug-in entropy in bits of classes numbered from 0 on without gaps, shape (sample,)."""
    counts = torch.bincount(classes).double()
    return max(0.0, float(np.log2(len(classes)) - (counts * counts.log2()).sum().cpu() / len(classes)))


def _constant(t: torch.Tensor) -> bool:
    return bool((t == t[0]).all())


def _pieces(t: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Numbers of the samples, in pieces whose distances to all samples are few enough to hold."""
    return torch.arange(len(t), device=t.device).split(max(1, _ELEMENTS // len(t)))
