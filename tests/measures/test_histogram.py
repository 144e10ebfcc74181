"""Histograms: numpy as oracle where values are exact, rules, rebinning, bad input."""

import numpy as np
import pytest
import torch

from lib.measures.entropy import shannon_entropy
from lib.measures.histogram import RULES, asinh_edges, histogram, histograms, rebin


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(23)


def dyadic(rng: np.random.Generator, size: int) -> np.ndarray:
    """Values on a grid of 1/64 in [-2, 2], ends included: exact in float32, and often exactly on an edge."""
    return np.concatenate([rng.integers(-128, 129, size) / 64, [-2, 2]])


# -- the oracle


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
@pytest.mark.parametrize("bins", [2, 8, 64, 256])
def test_own_range_is_that_of_numpy(rng, dtype, bins):
    values = dyadic(rng, 10_000).astype(dtype)
    counts, edges = np.histogram(values.astype(np.float64), bins)
    for weights in (values, torch.from_numpy(values), torch.from_numpy(values).reshape(2, -1).T):
        ours = histogram(weights, bins)
        np.testing.assert_array_equal(ours.counts, counts)
        np.testing.assert_allclose(ours.edges, edges, rtol=0, atol=1e-15)
        assert (ours.counts.dtype, ours.edges.dtype, ours.rule) == (np.int64, np.float64, "own")


def test_fixed_range_counts_what_lies_outside(rng):
    values = dyadic(rng, 10_000)
    ours = histogram(values.astype(np.float32), 32, "fixed")
    np.testing.assert_array_equal(ours.counts[1:-1], np.histogram(values, 32, range=(-1, 1))[0])
    assert (ours.counts[0], ours.counts[-1]) == ((values < -1).sum(), (values > 1).sum())  # 1 itself is inside
    assert np.isinf(ours.edges[[0, -1]]).all()
    np.testing.assert_array_equal(ours.edges[1:-1], np.linspace(-1, 1, 33))
    narrow = histogram(values / 4, 16, "fixed")
    assert (narrow.counts[0], narrow.counts[-1], narrow.size) == (0, 0, values.size)


def test_several_pieces_make_one_histogram(rng):
    values = dyadic(rng, 700_000)
    np.testing.assert_array_equal(histogram(values.astype(np.float32)).counts, np.histogram(values, 256)[0])
    np.testing.assert_array_equal(histogram(values).counts, np.histogram(values, 256)[0])


def test_rounding_moves_values_at_edges_only(rng):
    values = (0.02 * rng.standard_normal(300_000)).astype(np.float32)
    ours = histogram(values)
    theirs = np.histogram(values.astype(np.float64), 256)[0]
    assert np.abs(np.cumsum(ours.counts - theirs)).max() <= 5
    assert ours.size == values.size


@pytest.mark.parametrize("level", [0.001, 0.013, 0.25])
@pytest.mark.parametrize("law", ["normal", "outlier", "two values", "ties", "far"])
def test_robust_range_ends_at_the_quantiles(rng, level, law):
    values = {
        "normal": rng.standard_normal(100_001),
        "outlier": np.append(rng.standard_normal(5_000), 1e9),
        "two values": np.array([1.0, 4.0]),
        "ties": rng.integers(0, 5, 1_000).astype(np.float64),
        "far": 1e6 + rng.standard_normal(9_999),
    }[law]
    for array in (values, values.astype(np.float32)):
        ours = histogram(array, 10, "robust", level=level)
        low, high = np.quantile(array.astype(np.float64), [level, 1 - level])
        np.testing.assert_allclose(ours.edges[[1, -2]], [low, high], rtol=1e-12, atol=1e-12)
        assert ours.size == array.size
    exact = histogram(values, 10, "robust", level=level)
    low, high = exact.edges[[1, -2]]
    assert (exact.counts[0], exact.counts[-1]) == ((values < low).sum(), (values > high).sum())


def test_spread_reaches_so_many_deviations_from_the_mean(rng):
    values = 100 + 0.01 * rng.standard_normal(300_000)
    ours = histogram(values, 64, "spread", deviations=2)
    low, high = values.mean() - 2 * values.std(), values.mean() + 2 * values.std()
    np.testing.assert_allclose(ours.edges[[1, -2]], [low, high], rtol=1e-10)
    assert ours.counts[-1] / ours.size == pytest.approx(0.0228, abs=0.002)
    # a spread rule does not see a change of scale
    wide = histogram(values * 8, 64, "spread", deviations=2)
    assert np.abs(wide.counts - ours.counts).sum() <= 4


# -- given edges


def test_given_edges_of_any_kind(rng):
    values = dyadic(rng, 5_000)
    edges = np.array([-2.0, -1.5, -0.25, 0.0, 1.0, 2.0])
    np.testing.assert_array_equal(histogram(values, edges=edges).counts[:-1], np.histogram(values, edges)[0][:-1])
    assert histogram(values, edges=edges).size == values.size
    inner = histogram(values, edges=np.array([-1.0, 0.0, 0.75])).counts  # beyond the ends: in the end bins
    np.testing.assert_array_equal(inner, [(values < 0).sum(), (values >= 0).sum()])


def test_edges_closed_at_their_end_as_in_numpy():
    values = np.array([0.0, 1.0, 1.0, 5.0, 9.0, 9.0])
    edges = np.array([0.0, 1.0, 9.0])
    np.testing.assert_array_equal(histogram(values, edges=edges).counts, np.histogram(values, edges)[0])
    bounded = histogram(values, edges=np.array([-np.inf, 0.0, 1.0, 5.0, np.inf]))
    np.testing.assert_array_equal(bounded.counts, [0, 1, 3, 2])


@pytest.mark.parametrize("rule", RULES)
def test_edges_of_a_histogram_give_its_counts_again(rng, rule):
    values = dyadic(rng, 20_000)
    first = histogram(values, 32, rule)
    again = histogram(values, edges=first.edges)
    np.testing.assert_array_equal(again.counts, first.counts)
    assert (first.rule, again.rule) == (rule, "edges")


@pytest.mark.parametrize("bins", [512, 64, 510])  # 510 is no multiple of 4: by bisection
def test_asinh_edges_count_as_numpy_does(rng, bins):
    edges = asinh_edges(bins)
    values = np.concatenate([0.1 * rng.standard_normal(50_000), 1e-4 * rng.standard_normal(50_000), [-7, 3, 3]])
    expected = np.histogram(np.clip(values, -2, 2), edges)[0]
    for array in (values, values.astype(np.float32)):
        ours = histogram(array, edges=edges).counts
        assert ours.sum() == values.size
        assert np.abs(np.cumsum(ours - expected)).max() <= 5  # rounding at edges
        assert ours[0] == 1


def test_asinh_edges_are_symmetric_and_end_at_the_limit():
    edges = asinh_edges(100, scale=0.01, limit=3)
    np.testing.assert_array_equal(edges, -edges[::-1])
    assert (edges[-1], edges[50]) == (3, 0)
    np.testing.assert_allclose(np.diff(np.arcsinh(edges / 0.01)), 2 * np.arcsinh(300) / 100)


# -- several arrays


def test_several_arrays_each_over_its_own_or_a_common_range(rng):
    layers = [dyadic(rng, 3_000), dyadic(rng, 500).reshape(2, -1) / 4, np.array([3.0, 3.5])]
    own = histograms(layers, 16)
    assert (own.counts.shape, own.edges.shape) == ((3, 16), (3, 17))
    np.testing.assert_array_equal(own.counts[1], np.histogram(layers[1], 16)[0])
    common = histograms(layers, 16, common=True)
    np.testing.assert_array_equal(common.edges, np.tile(np.linspace(-2, 3.5, 17), (3, 1)))
    together = np.concatenate([layer.ravel() for layer in layers])
    np.testing.assert_array_equal(common.counts.sum(axis=0), histogram(together, 16).counts)
    np.testing.assert_array_equal(common.size, [layer.size for layer in layers])
    for rule in ("robust", "spread"):
        ends = histograms(layers, 16, rule).edges[:, [1, -2]]
        both = histograms(layers, 16, rule, common=True)
        np.testing.assert_allclose(both.edges[:, [1, -2]], np.tile([ends[:, 0].min(), ends[:, 1].max()], (3, 1)))


@pytest.mark.parametrize(
    "choice", [*({"rule": rule} for rule in RULES), {"common": True}, {"edges": np.linspace(-2, 2, 9)}]
)
def test_a_group_of_arrays_counts_as_the_arrays_joined(rng, choice):
    layers = [dyadic(rng, 70_000).astype(np.float32), np.float32(dyadic(rng, 500).reshape(2, -1) / 4), dyadic(rng, 900)]
    groups = [(0, 2), range(3)]
    found = histograms(layers, 16, groups=groups, **choice)
    assert found.counts.shape == (5, found.edges.shape[1] - 1)
    alone = histograms(layers, 16, **choice)
    np.testing.assert_array_equal(found.counts[:3], alone.counts)
    np.testing.assert_array_equal(found.edges[:3], alone.edges)
    for row, group in zip((3, 4), groups, strict=True):
        joined = np.concatenate([layers[number].ravel().astype(np.float64) for number in group])
        expected = (
            histogram(joined, edges=found.edges[row]) if choice.get("common") else histogram(joined, 16, **choice)
        )
        np.testing.assert_allclose(found.edges[row], expected.edges, rtol=1e-12)
        np.testing.assert_array_equal(found.counts[row], expected.counts)


def test_groups_whose_edges_coincide(rng):
    layers = [np.linspace(0, 1, 4_097), np.linspace(0, 1, 513), np.full(7, 0.5), rng.random(100)]
    for dtype in (np.float32, np.float64):
        arrays = [layer.astype(dtype) for layer in layers]
        found = histograms(arrays, 64, groups=[(0, 1), (1,), (2, 3), (0, 1, 2, 3)])
        for row, group in enumerate([(0,), (1,), (2,), (3,), (0, 1), (1,), (2, 3), (0, 1, 2, 3)]):
            joined = np.concatenate([arrays[number] for number in group])
            np.testing.assert_array_equal(found.counts[row].cumsum(), histogram(joined, 64).counts.cumsum())


# -- a histogram's own methods


def test_probabilities_size_and_merge(rng):
    h = histograms([dyadic(rng, 1_000), dyadic(rng, 50)], 16, "fixed")
    np.testing.assert_allclose(h.probabilities.sum(axis=-1), 1)
    merged = h.merge(4)
    assert merged.counts.shape == (2, 6)
    np.testing.assert_array_equal(merged.counts[:, [0, -1]], h.counts[:, [0, -1]])  # overflow stays apart
    np.testing.assert_array_equal(merged.edges[0], [-np.inf, -1, -0.5, 0, 0.5, 1, np.inf])
    np.testing.assert_array_equal(merged.size, h.size)
    values = dyadic(rng, 1_000)
    np.testing.assert_array_equal(histogram(values, 64).merge(8).counts, histogram(values, 8).counts)
    np.testing.assert_array_equal(histogram(values, 64).merge(1).counts, histogram(values, 64).counts)
    for factor in (0, 3):
        with pytest.raises(ValueError, match="cannot be joined"):
            h.merge(factor)


# -- other bins


def test_rebin_to_coarser_and_same_bins_is_exact(rng):
    values = dyadic(rng, 5_000)
    fine, coarse = histogram(values, 64), histogram(values, 16)
    np.testing.assert_array_equal(rebin(fine.counts, fine.edges, fine.edges), fine.counts)
    np.testing.assert_allclose(rebin(fine.counts, fine.edges, coarse.edges), coarse.counts)


def test_rebin_with_leading_axes_is_the_loop(rng):
    counts, edges = rng.integers(0, 100, (3, 2, 20)), np.sort(rng.standard_normal(21))
    new = np.sort(rng.standard_normal((3, 1, 9)), axis=-1)
    ours = rebin(counts, edges, new)
    for i in range(3):
        for j in range(2):
            below = np.interp(new[i, 0], edges, np.append(0, counts[i, j].cumsum()))
            below[0], below[-1] = 0, counts[i, j].sum()
            np.testing.assert_allclose(ours[i, j], np.diff(below))


def test_rebin_takes_overflow_to_lie_just_outside():
    edges = np.array([-np.inf, -1.0, 0.0, 1.0, np.inf])
    counts = np.array([3, 10, 20, 5])
    np.testing.assert_array_equal(rebin(counts, edges, edges), counts)
    new = np.array([-np.inf, -2.0, -1.0, 0.5, 1.0, 2.0, np.inf])
    np.testing.assert_array_equal(rebin(counts, edges, new), [0, 3, 20, 10, 5, 0])


@pytest.mark.parametrize("sd", [0.005, 0.02, 0.05, 0.2])
@pytest.mark.parametrize("law", ["normal", "uniform", "laplace"])
def test_rebinned_entropy_is_that_of_direct_binning(rng, law, sd):
    n = 512 * 512
    draw = {
        "normal": lambda: rng.standard_normal(n),
        "uniform": lambda: rng.uniform(-(3**0.5), 3**0.5, n),
        "laplace": lambda: rng.laplace(size=n) / 2**0.5,
    }
    values = sd * draw[law]()
    direct, edges = histogram(values), asinh_edges()
    read = rebin(histogram(values, edges=edges).counts, edges, direct.edges)
    assert read.sum() == pytest.approx(n)
    assert shannon_entropy(read) == pytest.approx(shannon_entropy(direct.counts), abs=0.02)


# -- edge cases


@pytest.mark.parametrize("value", [0.0, -3.25, 1e-40, 1e10])
@pytest.mark.parametrize("rule", ["own", "robust", "spread"])
def test_equal_weights_are_in_one_bin(value, rule):
    h = histogram(np.full(100, value), 8, rule)
    assert h.counts.max() == 100
    if rule == "own" and abs(value) < 100:
        counts, edges = np.histogram(np.full(100, value), 8)
        np.testing.assert_array_equal(h.counts, counts)
        np.testing.assert_array_equal(h.edges, edges)


def test_one_value_and_a_scalar():
    assert histogram(np.array(2.0), 4).counts.tolist() == [0, 0, 1, 0] == np.histogram(2.0, 4)[0].tolist()


@pytest.mark.parametrize("scale", [1e-42, 1e-38, 1e38])
def test_extreme_scales_do_not_overflow(rng, scale):
    values = (dyadic(rng, 1_000) * 64 * scale / 128).astype(np.float32)
    np.testing.assert_array_equal(histogram(values, 7).counts, np.histogram(values.astype(np.float64), 7)[0])


def test_far_outliers_stay_in_the_overflow_bins():
    values = np.array([-3e38, 0.25, 0.5, 3e38], dtype=np.float32)
    assert histogram(values, 4, "fixed").counts.tolist() == [1, 0, 0, 1, 1, 1]
    assert histogram(values, edges=asinh_edges()).counts[[0, -1]].tolist() == [1, 1]


def test_input_is_left_as_it_is(rng):
    values = torch.from_numpy(dyadic(rng, 100)).requires_grad_()
    before = values.detach().clone()
    for rule in RULES:
        histogram(values, 8, rule, level=0.1)
    histogram(values, edges=asinh_edges(8))
    assert torch.equal(values.detach(), before)
    frozen = np.broadcast_to(np.arange(4.0)[::-1], (3, 4))
    frozen.flags.writeable = False
    assert histogram(frozen, 4).counts.tolist() == [3, 3, 3, 3]
    assert histogram(np.arange(4), 4).counts.tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("law", ["normal", "heavy"])
@pytest.mark.parametrize("rule", RULES)
def test_shuffled_values_have_the_same_histogram(rng, rule, law):
    values = rng.standard_normal(2_000) if law == "normal" else rng.standard_t(2, 2_000)
    np.testing.assert_array_equal(
        histogram(rng.permutation(values), 32, rule, level=0.01).counts,
        histogram(values, 32, rule, level=0.01).counts,
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: histogram(np.empty((0, 3))), "no values"),
        (lambda: histogram(np.array([1.0, np.nan])), "nan or infinite"),
        (lambda: histogram(np.array([1.0, -np.inf])), "nan or infinite"),
        (lambda: histogram(np.arange(3.0), bins=1), "use 2 or more"),
        (lambda: histogram(np.arange(3.0), rule="auto"), "unknown"),
        (lambda: histogram(np.arange(3.0), rule="fixed", low=1, high=1), "holds no bins"),
        (lambda: histogram(np.arange(3.0), rule="fixed", high=np.inf), "holds no bins"),
        (lambda: histogram(np.arange(3.0), rule="robust", level=0.5), "share of a tail"),
        (lambda: histogram(np.arange(3.0), rule="spread", deviations=0), "holds no bins"),
        (lambda: histogram(np.arange(3.0), edges=np.array([0.0, 2.0, 1.0])), "increasing"),
        (lambda: histogram(np.arange(3.0), edges=np.array([-np.inf, np.inf])), "increasing"),
        (lambda: histogram(np.arange(3.0), edges=np.array([0.0, np.nan, 1.0])), "increasing"),
        (lambda: histogram(np.arange(3.0), edges=np.array([-np.inf, 0.0, np.inf])), "at least two finite"),
        (lambda: histogram(np.full(3, 1e30)), "too narrow"),
        (lambda: histogram(np.array([1.0, np.nextafter(1, 2)]), bins=8), "too narrow"),
        (lambda: histograms([]), "no arrays"),
        (lambda: histograms([np.arange(3.0)], groups=[()]), "must name some of the arrays 0 to 0, each once"),
        (lambda: histograms([np.arange(3.0)], groups=[(0, 0)]), "each once"),
        (lambda: histograms([np.arange(3.0)], groups=[(1,)]), "each once"),
        (lambda: asinh_edges(bins=1), "use 2 or more"),
        (lambda: asinh_edges(scale=0), "positive"),
        (lambda: asinh_edges(limit=np.nan), "positive"),
        (lambda: rebin(np.ones(3), np.arange(3.0), np.arange(3.0)), "do not fit"),
        (lambda: rebin(np.ones(2), np.arange(3.0), np.zeros(3)), "increase"),
    ],
)
def test_bad_input_is_refused_in_words(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize("rule", RULES)
def test_gpu_counts_what_the_processor_counts(rng, rule):
    values = torch.from_numpy(dyadic(rng, 500_000)).float()
    there, here = histogram(values.cuda(), 64, rule), histogram(values, 64, rule)
    np.testing.assert_allclose(there.edges, here.edges)
    assert np.abs(np.cumsum(there.counts - here.counts)).max() <= 5_000 * (rule == "spread")
    edges = asinh_edges()
    np.testing.assert_array_equal(histogram(values.cuda(), edges=edges).counts, histogram(values, edges=edges).counts)
