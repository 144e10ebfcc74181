"""Laws of weights' sizes: samples whose law is known, closed-form estimates and scipy's likelihoods as oracles."""

import numpy as np
import pytest
from scipy import stats

from lib.measures.amplitudes import LAWS, fit_amplitudes, fold
from lib.measures.histogram import asinh_edges, histogram

EDGES = asinh_edges()
N = 200_000


def sample(law, rng):
    return {
        "log-normal": lambda: 0.02 * np.exp(0.8 * rng.standard_normal(N)),
        "half-normal": lambda: np.abs(0.03 * rng.standard_normal(N)),
        "half-Laplace": lambda: rng.exponential(0.02, N),
        "half-t": lambda: np.abs(0.02 * rng.standard_t(3, N)),
    }[law]()


def sizes_histogram(x):
    return fold(histogram(x, edges=EDGES).counts, EDGES)


@pytest.mark.parametrize("law", LAWS)
def test_each_law_is_recognised_in_its_own_sample(law):
    fits = fit_amplitudes(*sizes_histogram(sample(law, np.random.default_rng(1))))
    best = fits.log_likelihood[LAWS.index(law)]
    assert best >= fits.log_likelihood.max() - 1e-4  # half-t holds half-normal as a limit
    others = [x for name, x in zip(LAWS, fits.log_likelihood, strict=True) if name not in (law, "half-t")]
    assert all(best > other + 1e-3 for other in others)


def test_parameters_are_the_closed_form_estimates_of_the_sample():
    rng = np.random.default_rng(2)
    found = {law: fit_amplitudes(*sizes_histogram(sample(law, rng)), [law]).parameters[0] for law in LAWS}
    rng = np.random.default_rng(2)
    x = {law: sample(law, rng) for law in LAWS}
    log = np.log(x["log-normal"])
    np.testing.assert_allclose(found["log-normal"], [np.exp(log.mean()), log.std()], rtol=2e-3)
    assert found["half-normal"][0] == pytest.approx(np.sqrt(np.mean(x["half-normal"] ** 2)), rel=2e-3)
    assert found["half-Laplace"][0] == pytest.approx(x["half-Laplace"].mean(), rel=2e-3)
    np.testing.assert_allclose(found["half-t"], [0.02, 3], rtol=0.03)
    assert np.isnan(found["half-normal"][1])


def test_likelihood_is_that_of_scipys_laws_over_the_bins():
    counts, edges = sizes_histogram(sample("half-t", np.random.default_rng(3)))
    fits = fit_amplitudes(counts, edges)
    open_edges = np.append(edges[:-1], np.inf)
    (median, s), (sigma, _), (mean, _), (scale, freedom) = fits.parameters
    laws = (stats.lognorm(s, scale=median), stats.expon(scale=mean))
    log_normal, laplace = ((law.cdf(open_edges), law.sf(open_edges)) for law in laws)
    # scipy's own half-normal has no accurate tail in all versions
    normal, t = (
        (2 * law.cdf(open_edges) - 1, 2 * law.sf(open_edges))
        for law in (stats.norm(scale=sigma), stats.t(freedom, scale=scale))
    )
    filled = counts > 0
    for number, (cdf, sf) in enumerate((log_normal, normal, laplace, t)):
        chance = np.where(cdf[1:] < 0.5, np.diff(cdf), -np.diff(sf))[filled]
        expected = (counts[filled] * np.log2(np.maximum(chance, 1e-300))).sum() / counts.sum()
        assert fits.log_likelihood[number] == pytest.approx(expected, abs=1e-9)


def test_no_start_is_better_than_the_fit():
    rng = np.random.default_rng(4)
    counts, edges = sizes_histogram(sample("half-Laplace", rng))
    open_edges = np.append(edges[:-1], np.inf)
    best = fit_amplitudes(counts, edges, ["half-t"]).log_likelihood[0]
    for freedom in (1, 3, 6, 10, 50):
        for scale in (0.01, 0.015, 0.02, 0.03):
            chance = -2 * np.diff(stats.t(freedom, scale=scale).sf(open_edges))
            assert (counts * np.log2(np.maximum(chance, 1e-300))).sum() / counts.sum() <= best + 1e-7


def test_without_the_innermost_bins_the_law_is_conditioned_on_the_rest():
    """Weights that are 0 lie in the innermost bin: leaving it out must not move the fit of the others."""
    counts, edges = sizes_histogram(sample("half-Laplace", np.random.default_rng(5)))
    pruned = counts.copy()
    pruned[0] += 10 * N
    whole = fit_amplitudes(pruned, edges).parameters[2, 0]
    rest = fit_amplitudes(pruned[1:], edges[1:])
    assert whole < 0.01
    assert rest.parameters[2, 0] == pytest.approx(0.02, rel=0.01)
    assert rest.laws[int(rest.log_likelihood.argmax())] in ("half-Laplace", "half-t")


def test_uniform_sizes_are_not_log_normal():
    """Initial weights: the control of the claim."""
    counts, edges = sizes_histogram(np.random.default_rng(6).uniform(-0.1, 0.1, N))
    likelihood = fit_amplitudes(counts, edges).log_likelihood
    assert likelihood[0] < likelihood[1] - 0.05


def test_leading_axes_and_empty_histograms():
    counts, edges = sizes_histogram(sample("half-normal", np.random.default_rng(7)))
    many = np.stack([counts, np.zeros_like(counts), 2 * counts])[None]
    fits = fit_amplitudes(many, edges, ["half-normal", "log-normal"])
    assert fits.log_likelihood.shape == (1, 3, 2)
    assert fits.parameters.shape == (1, 3, 2, 2)
    assert np.isnan(fits.log_likelihood[0, 1]).all()
    np.testing.assert_allclose(fits.log_likelihood[0, 2], fits.log_likelihood[0, 0])


def test_fold_adds_both_signs():
    rng = np.random.default_rng(8)
    w = 0.1 * rng.standard_normal(1001)
    counts, edges = fold(histogram(w, edges=EDGES).counts, EDGES)
    np.testing.assert_array_equal(counts, histogram(np.abs(w), edges=edges).counts)


def test_bad_input_is_named():
    counts = np.ones(4)
    with pytest.raises(ValueError, match="law 'normal' is unknown"):
        fit_amplitudes(counts, np.arange(5.0), ["normal"])
    with pytest.raises(ValueError, match="fold the histogram first"):
        fit_amplitudes(counts, np.arange(-2.0, 3.0))
    with pytest.raises(ValueError, match="do not fit 4 edges"):
        fit_amplitudes(counts, np.arange(4.0))
    with pytest.raises(ValueError, match="negative, nan or infinite"):
        fit_amplitudes(-counts, np.arange(5.0))
    with pytest.raises(ValueError, match="not symmetric"):
        fold(counts, np.arange(5.0))
    with pytest.raises(ValueError, match="do not fit 4 edges"):
        fold(counts, np.arange(4.0))


def test_sizes_without_end_are_refused():
    with pytest.raises(ValueError, match="the last edge must be finite"):
        fit_amplitudes(np.array([1, 2]), np.array([0, 1, np.inf]))
