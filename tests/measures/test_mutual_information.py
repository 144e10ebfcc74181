"""Mutual information: exact channels, integrated mixtures and scikit-learn as oracles, the estimators' known faults."""

from collections import Counter
from dataclasses import asdict

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm
from sklearn.feature_selection import mutual_info_classif

from lib.measures.mutual_information import (
    binned_information,
    kde_information,
    knn_information,
    permuted,
    probe_information,
)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(13)


def entropy(p) -> float:
    p = np.asarray(p, dtype=float)
    return float(-(p[p > 0] * np.log2(p[p > 0])).sum())


def integrated(centres, labels, sigma: float) -> tuple[float, float]:
    """I(centre;T) and I(T;label) in bits of T = centre + Gaussian noise on a line, by quadrature."""
    centres, labels = np.asarray(centres, dtype=float), np.asarray(labels)

    def differential_entropy(group) -> float:
        def integrand(x):
            p = norm.pdf(x, group, sigma).mean()
            return -p * np.log2(p) if p > 0 else 0.0

        edges = (group.min() - 10 * sigma, group.max() + 10 * sigma)
        return quad(integrand, *edges, points=np.unique(group), limit=500)[0]

    whole, noise = differential_entropy(centres), norm.entropy(scale=sigma) / np.log(2)
    within = sum((labels == c).mean() * differential_entropy(centres[labels == c]) for c in np.unique(labels))
    return whole - noise, whole - within


def two_gaussians(rng, samples: int, units: int, shift: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Unit Gaussians about -shift and +shift on the first unit, with their labels."""
    y = torch.arange(samples) % 2
    t = torch.from_numpy(rng.standard_normal((samples, units)))
    t[:, 0] += (2 * y - 1) * shift
    return t, y


# plug-in


def test_binned_binary_symmetric_channel():
    y = torch.arange(200) // 100
    t = y.clone()
    t[:11], t[100:111] = 1, 0  # 11 % of each flipped
    found = binned_information(t[:, None].float(), y, bins=2)
    assert found.with_labels == pytest.approx(1 - entropy([0.11, 0.89]))
    assert found.with_input == pytest.approx(1)


def test_binned_erasure_channel_in_two_units():
    sent = torch.arange(200) // 100
    erased = (torch.arange(200) % 100 < 25).float()
    t = torch.stack([sent * (1 - erased), erased], dim=1)
    found = binned_information(t, sent, bins=2)
    assert found.with_labels == pytest.approx(0.75)
    assert found.with_input == pytest.approx(entropy([0.375, 0.375, 0.25]))


def test_binned_injective_layer_reaches_the_ceiling_whatever_the_labels(rng):
    t, y = torch.from_numpy(rng.standard_normal((500, 64))), torch.arange(500) % 10
    found, null = binned_information(t, y, bins=30), binned_information(t, permuted(y, generator=1), bins=30)
    assert found.with_input == found.ceiling == pytest.approx(np.log2(500))
    assert found.with_labels == pytest.approx(np.log2(10))
    assert null == found


@pytest.mark.parametrize(("units", "bins"), [(1, 7), (3, 3), (40, 2)])
def test_binned_counts_every_pattern(rng, units, bins):
    x = rng.standard_normal((300, units)) * (rng.random(units) < 0.2 if units > 3 else 1)
    y = rng.integers(0, 4, 300)
    edges = np.linspace(x.min(), x.max(), bins + 1)
    rows = [tuple(row) for row in np.digitize(x, edges[1:-1])]
    h_t, h_y, h_ty = (
        entropy(np.array(list(Counter(states).values())) / 300)
        for states in (rows, y.tolist(), zip(rows, y.tolist(), strict=True))
    )
    found = binned_information(torch.from_numpy(x), torch.from_numpy(y), bins)
    assert 1 < found.with_input < found.ceiling
    assert found.with_input == pytest.approx(h_t)
    assert found.with_labels == pytest.approx(h_t + h_y - h_ty)
    assert (found.low, found.high, found.bins) == (x.min(), x.max(), bins)


def test_binned_hash_confuses_no_neighbouring_patterns():
    t = torch.cartesian_prod(*[torch.arange(4.0)] * 7)  # all 4**7 patterns
    assert binned_information(t, torch.zeros(len(t)).long(), bins=4).with_input == pytest.approx(14)


def test_binned_layers_can_violate_data_processing():
    # the second layer clips the first and cannot know more; bins over its own, smaller range make it seem so
    first = torch.tensor([[0.0], [0.1], [0.2], [0.3], [10.0]])
    second, y = first.clamp(max=0.3), torch.tensor([0, 0, 1, 1, 1])
    own = [binned_information(layer, y, bins=2) for layer in (first, second)]
    assert own[1].with_input > own[0].with_input + 0.2
    assert own[1].with_labels > own[0].with_labels + 0.2
    same = [binned_information(layer, y, bins=2, low=0, high=10) for layer in (first, second)]
    assert same[1].with_input < same[0].with_input
    assert same[1].with_labels < same[0].with_labels


def test_binned_range_puts_what_is_beyond_into_the_outermost_bins():
    t, y = torch.tensor([[-5.0], [0.1], [0.9], [7.0]]), torch.arange(4)
    found = binned_information(t, y, bins=2, low=0, high=1)
    assert (found.with_input, found.low, found.high) == (1, 0, 1)
    assert binned_information(t, y, bins=2, high=-4).with_input == pytest.approx(entropy([0.25, 0.75]))


# pairwise distances


@pytest.mark.parametrize("relative", [False, True])
def test_kde_of_points_far_apart_is_exact(rng, relative):
    points = 100 * rng.standard_normal((8, 20))
    t, y = torch.from_numpy(np.tile(points, (5, 1))), torch.arange(40) % 8
    found = kde_information(t, y // 2, noise_variance=1e-4 if relative else 0.5, relative=relative)
    assert found.with_input_low == pytest.approx(3)
    assert found.with_input_high == pytest.approx(3)
    labels = (found.with_labels_low, found.with_labels_high, found.with_labels_difference, found.label_entropy)
    assert labels == pytest.approx((2, 2, 2, 2))


@pytest.mark.parametrize("sigma", [0.3, 0.7, 1.0, 2.0])
def test_kde_brackets_two_overlapping_gaussians(sigma):
    centres, y = [-1.0] * 5 + [1.0] * 5, [0] * 5 + [1] * 5
    with_centre, with_label = integrated(centres, y, sigma)
    found = kde_information(torch.tensor(centres)[:, None], torch.tensor(y), sigma**2)
    assert with_centre == pytest.approx(with_label)
    for low, high in [
        (found.with_input_low, found.with_input_high),
        (found.with_labels_low, found.with_labels_high),
    ]:
        assert 0.01 < low <= with_label <= high <= 1
    if sigma > 0.5:
        assert found.with_input_high - found.with_input_low > 0.05  # neither bound is exact here


@pytest.mark.parametrize("sigma", [0.05, 0.2, 1.0])
def test_kde_brackets_random_mixtures(rng, sigma):
    centres = rng.standard_normal(24)
    y = (centres + rng.standard_normal(24) > 0).astype(int)
    with_input, with_labels = integrated(centres, y, sigma)
    found = kde_information(torch.from_numpy(centres)[:, None], torch.from_numpy(y), sigma**2)
    assert found.with_input_low < with_input < found.with_input_high
    assert found.with_labels_low <= with_labels <= found.with_labels_high
    assert found.with_labels_low <= found.with_labels_difference <= found.with_labels_high


def test_kde_of_a_gaussian_layer_has_the_bounds_in_closed_form(rng):
    # T = X of variance 1 in each of 2 units, noise of variance 1/4: I = log2(1 + 4), two channels of 1/2 log2(1 + 4)
    found = kde_information(torch.from_numpy(rng.standard_normal((3000, 2))), torch.arange(3000) % 2, 0.25)
    low, high = (np.log2(1 + 2 / a) + 2 / (a + 2) / np.log(2) for a in (8 * 0.25, 2 * 0.25))
    assert found.with_input_low == pytest.approx(low, abs=0.04)
    assert found.with_input_high == pytest.approx(high, abs=0.04)
    assert found.with_input_low < np.log2(5) < found.with_input_high


def test_kde_falls_with_noise_and_has_limits(rng):
    t, y = two_gaussians(rng, 200, 5, shift=1)
    found = [kde_information(t, y, noise) for noise in (1e-6, 0.01, 0.1, 1, 10, 1e6)]
    for name in ("with_input_low", "with_input_high", "with_labels_difference"):
        assert (np.diff([getattr(one, name) for one in found]) <= 1e-9).all()
    assert found[0].with_input_low == found[0].ceiling
    assert found[0].with_labels_low == pytest.approx(1)
    assert found[-1].with_input_high == pytest.approx(0, abs=1e-4)
    assert found[-1].with_labels_high == pytest.approx(0, abs=1e-4)


def test_kde_of_a_scaled_layer(rng):
    t, y = two_gaussians(rng, 100, 3, shift=1)
    absolute, relative = kde_information(t, y, 0.5), kde_information(t, y, 0.5, relative=True)
    assert kde_information(10 * t + 3, y, 0.5).with_input_low > absolute.with_input_low + 1
    assert asdict(kde_information(10 * t + 3, y, 0.5, relative=True)) == pytest.approx(
        asdict(relative) | {"noise_variance": 100 * relative.noise_variance}
    )
    assert relative.noise_variance == pytest.approx(0.5 * float(t.var(dim=0, unbiased=False).mean()))


# nearest neighbours


def test_knn_on_one_unit_is_that_of_scikit_learn(rng):
    t = torch.from_numpy(rng.standard_normal((400, 1)))
    y = torch.from_numpy(rng.integers(0, 3, 400)) + (t[:, 0] > 0.5) * 2
    for k in (1, 3, 8):
        expected = mutual_info_classif(t.numpy(), y.numpy(), discrete_features=False, n_neighbors=k, random_state=0)
        assert knn_information(t, y, neighbours=k) == pytest.approx(expected[0] / np.log(2), abs=1e-6)


@pytest.mark.parametrize("units", [1, 3])
def test_knn_finds_the_information_of_two_gaussians(rng, units):
    expected = integrated([-1.0, 1.0], [0, 1], 1.0)[1]
    found = [knn_information(*two_gaussians(rng, 1000, units, shift=1)) for _ in range(8)]
    assert np.mean(found) == pytest.approx(expected, abs=4 * np.std(found) / np.sqrt(8) + 0.01)
    assert np.std(found) < 0.06


def test_knn_falls_short_in_high_dimension_and_less_on_principal_components(rng):
    expected = integrated([-2.0, 2.0], [0, 1], 1.0)[1]
    t, y = two_gaussians(rng, 1000, 200, shift=2)
    all_units, projected = knn_information(t, y, components=None), knn_information(t, y, components=1)
    assert all_units < projected - 0.1
    assert projected == pytest.approx(expected, abs=0.08)


def test_knn_projection_keeps_a_layer_that_lies_in_few_directions(rng):
    t, y = two_gaussians(rng, 300, 4, shift=1)
    turned = t @ torch.linalg.qr(torch.from_numpy(rng.standard_normal((50, 4)))).Q.T
    assert knn_information(turned + 7, y) == pytest.approx(knn_information(t, y), abs=1e-9)


def test_knn_finds_nothing_in_permuted_labels(rng):
    t, y = two_gaussians(rng, 1000, 3, shift=1)
    null = [knn_information(t, permuted(y, generator=seed)) for seed in range(5)]
    assert np.mean(null) < 0.03


def test_knn_where_samples_coincide():
    y = torch.arange(400) % 4
    assert knn_information(y[:, None].double(), y) == pytest.approx(2, abs=0.02)  # a point for each class
    assert knn_information((y[:, None] % 2).double(), y) == pytest.approx(1, abs=0.03)  # a point for two classes
    assert knn_information((torch.arange(400)[:, None] // 4 % 2).double(), y) == pytest.approx(0, abs=0.03)


def test_knn_leaves_out_classes_of_one_sample(rng):
    t, y = two_gaussians(rng, 100, 2, shift=1)
    alone = torch.cat([t, torch.full((1, 2), 9.0)])
    assert knn_information(alone, torch.cat([y, torch.tensor([5])])) == pytest.approx(knn_information(t, y))
    assert knn_information(t[:3], torch.arange(3)) == 0


# probe


def test_probe_of_separable_classes():
    t = torch.eye(4).repeat(50, 1)
    y = torch.arange(200) % 4
    found = probe_information(t, y, t, y, strength=100)
    assert found.accuracy == 1
    assert 1.95 < found.bits < found.label_entropy == pytest.approx(2)


def test_probe_proves_no_more_than_there_is(rng):
    expected = integrated([-1.0, 1.0], [0, 1], 1.0)[1]
    samples = (*two_gaussians(rng, 4000, 3, shift=1), *two_gaussians(rng, 20_000, 3, shift=1))
    found = probe_information(*samples)
    assert expected - 0.03 < found.bits < expected + 0.015
    assert found.accuracy == pytest.approx(norm.cdf(1), abs=0.01)


def test_probe_of_random_labels(rng):
    t, y = two_gaussians(rng, 1000, 50, shift=1)
    y = permuted(y, generator=3)
    found = probe_information(t[:500], y[:500], t[500:], y[500:])
    assert found.bits < 0.01
    assert found.accuracy == pytest.approx(0.5, abs=0.1)


def test_probe_of_layers_without_information(rng):
    t, y = two_gaussians(rng, 40, 3, shift=5)
    dead = probe_information(torch.zeros(40, 3), y, torch.zeros(40, 3), y)
    assert (dead.accuracy, dead.bits) == (0.5, pytest.approx(0, abs=1e-9))
    one_class = probe_information(t, torch.zeros_like(y), t, y)
    assert (one_class.accuracy, one_class.bits, one_class.label_entropy) == (0.5, 0, 1)
    untrained_class = probe_information(t, y, t, y + (torch.arange(40) == 7))
    assert untrained_class.bits == 0
    assert untrained_class.accuracy == 39 / 40
    assert probe_information(t[:1], y[:1], t[:1], y[:1]).bits == 0


# all


ESTIMATES = {
    "binned": lambda t, y: tuple(asdict(binned_information(t, y, bins=3)).values())[:2],
    "kde": lambda t, y: tuple(asdict(kde_information(t, y, 0.3)).values())[:5],
    "knn": lambda t, y: (knn_information(t, y, components=2),),
    "probe": lambda t, y: (probe_information(t, y, t, y).bits,),
}
every_estimator = pytest.mark.parametrize("estimate", ESTIMATES.values(), ids=ESTIMATES)


@every_estimator
def test_names_of_classes_and_order_of_samples_do_not_matter(rng, estimate):
    t, y = two_gaussians(rng, 90, 3, shift=1)
    y = y + (t[:, 1] > 0).long()
    order = torch.from_numpy(rng.permutation(90))
    expected = pytest.approx(estimate(t, y), abs=1e-4 if estimate is ESTIMATES["probe"] else 1e-9)
    assert max(estimate(t, y)) > 0.05  # there is something to compare
    assert estimate(t, torch.tensor([70, -4, 9])[y]) == expected
    assert estimate(t[order], y[order]) == expected
    assert estimate(t.clone().requires_grad_(), y) == expected


@every_estimator
def test_nothing_is_found_in_a_dead_layer_a_class_or_a_sample(rng, estimate):
    t, y = two_gaussians(rng, 60, 4, shift=1)
    assert estimate(torch.full((60, 4), 0.1), y) == pytest.approx((0,) * len(estimate(t, y)), abs=1e-9)
    assert estimate(t[:1], y[:1]) == (0,) * len(estimate(t, y))
    assert estimate(t, torch.full((60,), 3))[-1] == pytest.approx(0, abs=1e-12)


@every_estimator
def test_errors_name_the_value(estimate):
    t, y = torch.zeros(4, 2), torch.arange(4) % 2
    with pytest.raises(ValueError, match=r"shape \(4,\) do not match 3 samples"):
        estimate(t[:3], y)
    with pytest.raises(ValueError, match="2 activations are not finite"):
        estimate(torch.tensor([[torch.nan, 0], [0, torch.inf], [0, 0], [0, 0]]), y)
    with pytest.raises(ValueError, match=r"shape \(4,\) are no layer"):
        estimate(t[:, 0], y)
    with pytest.raises(ValueError, match=r"shape \(0, 2\) are no layer"):
        estimate(t[:0], y[:0])
    with pytest.raises(ValueError, match=r"float32 are no classes"):
        estimate(t, y.float())


def test_errors_of_arguments():
    t, y = torch.arange(8.0).reshape(4, 2), torch.arange(4) % 2
    with pytest.raises(ValueError, match="1 bins"):
        binned_information(t, y, bins=1)
    with pytest.raises(ValueError, match=r"from 2 to 2 is empty"):
        binned_information(t, y, bins=2, low=2, high=2)
    with pytest.raises(ValueError, match=r"from 9 to 7.0 is empty"):
        binned_information(t, y, bins=2, low=9)
    with pytest.raises(ValueError, match="high=inf is not finite"):
        binned_information(t, y, bins=2, high=np.inf)
    for noise in (0, -1, np.nan, np.inf):
        with pytest.raises(ValueError, match=f"noise variance of {noise}"):
            kde_information(t, y, noise)
    with pytest.raises(ValueError, match="0 neighbours"):
        knn_information(t, y, neighbours=0)
    with pytest.raises(ValueError, match="0 components"):
        knn_information(t, y, components=0)
    with pytest.raises(ValueError, match="strength of 0"):
        probe_information(t, y, t, y, strength=0)
    with pytest.raises(ValueError, match="other units"):
        probe_information(t, y, t[:, :1], y)


def test_pieces_do_not_matter(rng, monkeypatch):
    t, y = two_gaussians(rng, 70, 3, shift=1)
    whole = ESTIMATES["kde"](t, y), ESTIMATES["knn"](t, y)
    monkeypatch.setattr("lib.measures.mutual_information._ELEMENTS", 1000)
    assert ESTIMATES["kde"](t, y) == pytest.approx(whole[0])
    assert ESTIMATES["knn"](t, y) == pytest.approx(whole[1])


def test_permuted_labels_are_the_same_labels_in_another_order():
    y = torch.arange(50) % 7
    shuffled = permuted(y, generator=5)
    assert not torch.equal(shuffled, y)
    assert torch.equal(shuffled.bincount(), y.bincount())
    assert torch.equal(permuted(y, generator=np.random.default_rng(5)), shuffled)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_gpu_finds_what_the_processor_finds(rng):
    t, y = two_gaussians(rng, 300, 20, shift=1)
    for estimate in ESTIMATES.values():
        assert estimate(t.cuda(), y.cuda()) == pytest.approx(estimate(t, y), abs=1e-6)
