"""Unit-root tests for very many series at once: augmented Dickey-Fuller, KPSS, variance ratio.

A **series** array has shape (..., time): time is the last axis, leading axes (chains, weights) are free. For a path of
shape (..., time, weight) hand in its transposed view, ``path.swapaxes(-1, -2)``: it is never copied as a whole. Series
are numpy arrays or torch tensors; the work is done in float64 on the tensor's device in small pieces, and results are
numpy float64 arrays. A constant series has no test: its statistic and p-value are nan, and nothing is raised. Explained
in the chapter on the perceptron.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import ndtr

from lib.measures._chunks import Array, map_chunks, require_path

_ELEMENTS = 2**16  # numbers handled at once: 0.5 MiB, so that a piece and its lags stay in the processor's cache
_SINGULAR = 1e-10  # least share of a variance that the other columns of a regression must leave unexplained


@dataclass(frozen=True)
class UnitRoot:
    """Outcome of one test on each series."""

    statistic: np.ndarray  # (...)
    pvalue: np.ndarray  # (...), nan where the series is constant


@dataclass(frozen=True)
class VarianceRatio:
    """Outcome of the variance-ratio test on each series."""

    ratio: np.ndarray  # (...), 1 for a random walk, below 1 if steps are undone, above 1 if they persist
    statistic: np.ndarray  # (...), z
    pvalue: np.ndarray  # (...), two-sided


@dataclass(frozen=True)
class Rejections:
    """Shares of series."""

    share: np.ndarray  # (...), rejected among the tested; nan where none was tested
    constant_share: np.ndarray  # (...), not tested (p-value nan) among all


def _map_series(
    test: Callable[[torch.Tensor], tuple[torch.Tensor, ...]], series: Array, least: int
) -> tuple[np.ndarray, ...]:
    """Results of `test` on pieces (series, time), nan where a series is constant."""
    times = series.shape[-1] if series.ndim else 0
    if times < least:
        raise ValueError(f"series of {times} time points are too short for this lag; give at least {least}")

    def run(piece: torch.Tensor) -> tuple[torch.Tensor, ...]:
        low, high = piece.aminmax(dim=1)
        if not (low.isfinite() & high.isfinite()).all():
            raise ValueError("a series has values that are nan or infinite; leave it out or cut it before them")
        # start each series at 0: a large level would cost digits
        return tuple(result.masked_fill(low == high, torch.nan) for result in test(piece - piece[:, :1]))

    return map_chunks(run, series, trailing=1, elements=_ELEMENTS)


# MacKinnon (1994), one variable: p = Phi(polynomial in the statistic), one polynomial up to `star`, another above.
# By trend: largest and smallest statistic, star, coefficients of the lower and the upper polynomial, constant first.
_MACKINNON: dict[str, tuple[float, float, float, tuple[float, ...], tuple[float, ...]]] = {
    "c": (2.74, -18.83, -1.61, (2.1659, 1.4412, 0.038269), (1.7339, 0.93202, -0.12745, -0.010368)),
    "ct": (0.70, -16.18, -2.89, (3.2512, 1.6047, 0.049588), (2.5261, 0.61654, -0.37956, -0.060285)),
}


def _mackinnon_pvalue(statistic: np.ndarray, trend: str) -> np.ndarray:
    largest, smallest, star, lower, upper = _MACKINNON[trend]
    polynomials = (np.polynomial.polynomial.polyval(statistic, c) for c in (lower, upper))
    pvalue = ndtr(np.where(statistic <= star, *polynomials))
    pvalue = np.where(statistic > largest, 1.0, np.where(statistic < smallest, 0.0, pvalue))
    return np.where(np.isnan(statistic), np.nan, pvalue)


def adf(series: Array, lag: int, trend: str = "c") -> UnitRoot:
    r"""Augmented Dickey-Fuller test with a fixed lag. H0: the series has a unit root (it may be a random walk).

    The statistic is the t value of :math:`\gamma` in the regression

    .. math:: \Delta w_t = \alpha\,[+ \beta t] + \gamma w_{t-1} + \sum_{i=1}^{p} \delta_i \Delta w_{t-i} + \epsilon_t

    Large negative values speak against a unit root. Not rejecting proves nothing: see `kpss` and `variance_ratio`.

    Parameters
    ----------
    series
        Shape (..., time).
    lag
        Number p of lagged differences, see `fixed_lag`.
    trend
        "c" for a constant, "ct" for a constant and a linear trend.

    Returns
    -------
    UnitRoot
        `statistic` and left-tailed `pvalue` (MacKinnon's approximation), each of shape (...).
        nan for a constant series, and where the regressors explain one another or the differences (a straight line,
        a sine, a series that moves in its last `lag` steps only): with less than 1e-10 of a variance left unexplained,
        the result would be rounding error.

    Raises
    ------
    ValueError
        If the lag is negative, the series too short for it or not finite, or the trend unknown.

    Notes
    -----
    Same numbers as ``statsmodels.tsa.stattools.adfuller(x, maxlag=lag, regression=trend, autolag=None)``, one Cholesky
    factorisation a series: with the level last but one and the difference last, its last row holds the t value.
    Textbook p-values assume steps of constant size: shrinking steps need `empirical_pvalue` on surrogates.
    Source: Said and Dickey (1984), Biometrika 71, 599; p-values MacKinnon (1994), Journal of Business & Economic
    Statistics 12, 167.

    Examples
    --------
    >>> noise = np.random.default_rng(0).standard_normal((2, 1000))
    >>> adf(noise, lag=7).pvalue < 0.05, adf(noise.cumsum(axis=1), lag=7).pvalue < 0.05
    (array([ True,  True]), array([False, False]))
    """
    if trend not in _MACKINNON:
        raise ValueError(f"trend {trend!r} is unknown; use 'c' (constant) or 'ct' (constant and linear trend)")
    if lag < 0:
        raise ValueError(f"lag {lag} is negative; use 0 or more")
    times = series.shape[-1] if series.ndim else 0
    rows, terms = times - 1 - lag, len(trend)

    def statistic(x: torch.Tensor) -> tuple[torch.Tensor]:
        steps = x.diff(dim=1)
        # columns of the regression, in the order the factorisation wants: lagged differences, level, difference
        windows = steps.unfold(1, rows, 1)
        columns = torch.cat([windows[:, :lag], x[:, None, lag:-1], windows[:, lag:]], dim=1)
        columns -= columns.mean(-1, keepdim=True)
        if trend == "ct":
            time = torch.linspace(-1, 1, rows, dtype=x.dtype, device=x.device)
            time /= time.norm()
            columns -= (columns @ time)[..., None] * time
        gram = columns @ columns.mT
        left = gram.diagonal(dim1=1, dim2=2)
        scale = left.rsqrt()
        factor, failed = torch.linalg.cholesky_ex(gram * scale[:, :, None] * scale[:, None, :])
        unexplained = factor.diagonal(dim1=1, dim2=2).square()  # of each column by those before it
        # a column that does not vary keeps rounding errors only (and makes the others collinear)
        rounding = 1e-24 * x.square().sum(dim=1, keepdim=True)
        singular = (failed > 0) | (unexplained < _SINGULAR).any(dim=1) | (left <= rounding).any(dim=1)
        t = math.sqrt(rows - terms - lag - 1) * factor[:, -1, -2] / factor[:, -1, -1]
        return (t.masked_fill(singular, torch.nan),)

    # as statsmodels asks: lag <= times // 2 - 1 - terms
    (t,) = _map_series(statistic, series, least=2 * (lag + 1 + terms))
    return UnitRoot(t, _mackinnon_pvalue(t, trend))


def kpss(series: Array, lag: int) -> UnitRoot:
    r"""Test of Kwiatkowski, Phillips, Schmidt and Shin. H0: the series is stationary about a level.

    .. math:: \eta = \frac{\sum_t S_t^2}{n^2 \hat\sigma^2}, \quad S_t = \sum_{s \le t} (w_s - \bar w), \quad
        \hat\sigma^2 = \frac1n \sum_{|k| \le p} \Big(1 - \frac{|k|}{p+1}\Big) \sum_t (w_t - \bar w)(w_{t+|k|} - \bar w)

    Parameters
    ----------
    series
        Shape (..., time).
    lag
        Number p of lags of the Bartlett window.

    Returns
    -------
    UnitRoot
        `statistic` and `pvalue`, each of shape (...); nan for a constant series. The published table ends at 0.01 and
        0.1, and so do the p-values. Large statistics speak *against* stationarity: a random walk is rejected here.

    Raises
    ------
    ValueError
        If the lag is negative, the series too short for it or not finite.

    Notes
    -----
    Same numbers as ``statsmodels.tsa.stattools.kpss(x, regression="c", nlags=lag)``, without its warnings.
    Source: Kwiatkowski et al. (1992), Journal of Econometrics 54, 159, eqs. 10-11 and table 1.

    Examples
    --------
    >>> noise = np.random.default_rng(0).standard_normal(1000)
    >>> float(kpss(noise, lag=7).pvalue), float(kpss(noise.cumsum(), lag=7).pvalue)
    (0.1, 0.01)
    """
    if lag < 0:
        raise ValueError(f"lag {lag} is negative; use 0 or more")

    def statistic(x: torch.Tensor) -> tuple[torch.Tensor]:
        n = x.shape[1]
        x = x - x.mean(dim=1, keepdim=True)
        variance = torch.linalg.vecdot(x, x)
        for k in range(1, lag + 1):
            variance += 2 * (1 - k / (lag + 1)) * torch.linalg.vecdot(x[:, k:], x[:, :-k])
        return (x.cumsum(dim=1).square_().sum(dim=1) / (n * variance),)

    (eta,) = _map_series(statistic, series, least=lag + 2)
    return UnitRoot(eta, np.interp(eta, [0.347, 0.463, 0.574, 0.739], [0.10, 0.05, 0.025, 0.01]))


def variance_ratio(series: Array, q: int) -> VarianceRatio:
    r"""Variance-ratio test of Lo and MacKinlay, robust to steps of changing size. H0: increments are uncorrelated.

    .. math:: \mathrm{VR}(q) = \frac{\hat\sigma^2(q)}{\hat\sigma^2(1)}, \qquad
        \hat\sigma^2(q) = \frac{1}{m} \sum_t (w_t - w_{t-q} - q \hat\mu)^2, \quad m = q (n - q + 1)(1 - q/n)

    over overlapping windows of the n increments, with drift :math:`\hat\mu` removed and the small-sample correction m.

    Parameters
    ----------
    series
        Shape (..., time), a path (not its increments).
    q
        Window in steps, at least 2.

    Returns
    -------
    VarianceRatio
        `ratio`, `statistic` (standard normal under H0, with the heteroskedasticity-consistent variance) and two-sided
        `pvalue`, each of shape (...). nan for a constant series and for a straight line.

    Raises
    ------
    ValueError
        If q is below 2, the series too short for it or not finite.

    Notes
    -----
    Same numbers as ``arch.unitroot.VarianceRatio(x, lags=q, robust=True, debiased=True)``.
    Source: Lo and MacKinlay (1988), Review of Financial Studies 1, 41.

    Examples
    --------
    >>> noise = np.random.default_rng(0).standard_normal(10_000)
    >>> print(variance_ratio(noise.cumsum(), q=2).ratio.round(2), variance_ratio(noise, q=2).ratio.round(2))
    1.0 0.5
    """
    if q < 2:
        raise ValueError(f"a window of {q} steps cannot be compared with single steps; use 2 or more")

    def statistic(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        n = x.shape[1] - 1
        drift = (x[:, -1:] - x[:, :1]) / n
        squares = (x.diff(dim=1) - drift).square_()
        total = squares.sum(dim=1)
        # a straight line leaves rounding errors only
        total = total.masked_fill(total <= 1e-24 * x.square().sum(dim=1), torch.nan)
        long = (x[:, q:] - x[:, :-q] - q * drift).square_().sum(dim=1) / (q * (n - q + 1) * (1 - q / n))
        ratio = long / (total / (n - 1))
        theta = torch.zeros_like(ratio)
        for k in range(1, q):
            theta += 4 * (1 - k / q) ** 2 * n * torch.linalg.vecdot(squares[:, k:], squares[:, :-k]) / total.square()
        return ratio, math.sqrt(n) * (ratio - 1) / theta.sqrt()

    ratio, z = _map_series(statistic, series, least=q + 2)
    return VarianceRatio(ratio, z, 2 * ndtr(-np.abs(z)))


def empirical_pvalue(statistic: np.ndarray, null_statistics: np.ndarray) -> np.ndarray:
    r"""Left-tailed p-value from statistics of surrogates, which hold the null hypothesis by construction.

    .. math:: p = \frac{1 + \#\{\text{null} \le \text{statistic}\}}{1 + \#\,\text{null}}

    Parameters
    ----------
    statistic
        Statistics of the series, shape (..., series).
    null_statistics
        Statistics of surrogates, shape (..., surrogate), same leading axes. Those along the last axis, less nan, form
        one pool for all series there; pools of different leading axes are kept apart.

    Returns
    -------
    numpy.ndarray
        Same shape as `statistic`; nan where that is nan or the pool is empty. Never 0.

    Raises
    ------
    ValueError
        If the leading axes differ.

    Notes
    -----
    Source: Davison and Hinkley (1997), Bootstrap Methods and Their Application, section 4.2.

    Examples
    --------
    >>> empirical_pvalue(np.array([-9.0, 2.5]), np.array([1.0, 2.0, 3.0]))
    array([0.25, 0.75])
    """
    statistic, null = np.asarray(statistic, dtype=np.float64), np.asarray(null_statistics, dtype=np.float64)
    if statistic.ndim == 0 or statistic.shape[:-1] != null.shape[:-1]:
        raise ValueError(
            f"statistics of shape {statistic.shape} and of surrogates of shape {null.shape} do not fit; "
            "all axes but the last must be the same"
        )
    pool = (~np.isnan(null)).sum(axis=-1, keepdims=True)
    ordered = torch.from_numpy(np.sort(np.where(np.isnan(null), np.inf, null), axis=-1))  # inf is below no statistic
    below = torch.searchsorted(ordered, torch.from_numpy(np.ascontiguousarray(statistic)), right=True).numpy()
    return np.where(np.isnan(statistic) | (pool == 0), np.nan, (1 + below) / (1 + pool))


def share_rejected(pvalue: np.ndarray, alpha: float = 0.05, axis: int = -1) -> Rejections:
    r"""Share of series whose null hypothesis the rule of Benjamini and Hochberg rejects.

    Of m sorted p-values, the first k are rejected, with k the largest rank for which :math:`p_{(k)} \le \alpha k / m`.

    Parameters
    ----------
    pvalue
        p-values; nan marks a series without a test.
    alpha
        False-discovery rate to keep, between 0 and 1.
    axis
        Axis of the family of tests.

    Returns
    -------
    Rejections
        `share` rejected among the tested and `constant_share` not tested among all, each without that axis.

    Raises
    ------
    ValueError
        If alpha is not between 0 and 1 or a p-value is not in [0, 1].

    Notes
    -----
    Source: Benjamini and Hochberg (1995), Journal of the Royal Statistical Society B 57, 289. Same as
    ``statsmodels.stats.multitest.multipletests(p, alpha, method="fdr_bh")``.

    Examples
    --------
    >>> rejections = share_rejected(np.array([0.01, 0.02, 0.03, 0.9, np.nan]))
    >>> float(rejections.share), float(rejections.constant_share)
    (0.75, 0.2)
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha {alpha} is no error rate; use a number between 0 and 1")
    pvalue = np.sort(np.moveaxis(np.asarray(pvalue, dtype=np.float64), axis, -1), axis=-1)  # nan goes last
    if (pvalue < 0).any() or (pvalue > 1).any():
        raise ValueError("p-values lie in [0, 1]; these do not")
    tested = (~np.isnan(pvalue)).sum(axis=-1)
    rank = np.arange(1, pvalue.shape[-1] + 1)
    below = pvalue * tested[..., None] <= alpha * rank
    rejected = np.max(below * rank, axis=-1, initial=0)
    share = np.where(tested > 0, rejected / np.maximum(tested, 1), np.nan)
    return Rejections(share, 1 - tested / rank.size)


def thin(path: Array, points: int) -> np.ndarray:
    """Indices of at most `points` equally spaced time points, from the first on.

    The spacing is one whole number throughout, for uneven spacing would change the size of the steps: 1,500 time points
    thinned to at most 1,000 are every second one, 750.

    Parameters
    ----------
    path
        Weights, shape (..., time, weight).
    points
        Largest number of time points wanted, at least 1.

    Returns
    -------
    numpy.ndarray
        Indices into the time axis, int64.

    Raises
    ------
    ValueError
        If `points` is below 1 or `path` has no time or weight axis.

    Examples
    --------
    >>> thin(np.zeros((10, 3)), points=4)
    array([0, 3, 6, 9])
    """
    require_path(path)
    if points < 1:
        raise ValueError(f"a path cannot be thinned to {points} points; use 1 or more")
    times = path.shape[-2]
    return np.arange(0, times, max(1, math.ceil(times / points)), dtype=np.int64)


def fixed_lag(n: int) -> int:
    r"""Schwert's shorter rule for the lag, :math:`\lfloor 4 (n/100)^{1/4} \rfloor`: 7 for 1,000 time points.

    Parameters
    ----------
    n
        Number of time points, at least 1.

    Returns
    -------
    int
        Lag in time points.

    Raises
    ------
    ValueError
        If n is below 1.

    Notes
    -----
    Source: Schwert (1989), Journal of Business & Economic Statistics 7, 147, rule l4.

    Examples
    --------
    >>> fixed_lag(1000)
    7
    """
    if n < 1:
        raise ValueError(f"a series of {n} time points has no lag; use 1 or more")
    return math.floor(4 * (n / 100) ** 0.25)
