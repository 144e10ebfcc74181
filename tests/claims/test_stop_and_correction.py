"""The judge of B6 gives the right verdict on records whose answer is known."""

import numpy as np
import pytest

from lib.claims import stop_and_correction
from lib.experiments.weight_statistics import FINE
from lib.measures.complexity import complexity_entropy

from .evolution_record import LAYERS, SEEDS, SIZES, SNAPSHOTS, TIME, judged, made, per_seed


def mirrored(layers):
    """Counts of a lopsided law that is mirrored in every second snapshot of `layers`: other weights, same entropy."""
    law = np.histogram(np.random.default_rng(0).gamma(2, 0.03, 200_000) - 0.05, FINE)[0] + 1e-9
    rows = np.array([np.rint(SIZES[layer] * law / law.sum()) for layer in LAYERS])
    counts = np.repeat(rows[None], SNAPSHOTS, axis=0)
    for layer in layers:
        counts[::2, layer] = counts[::2, layer, ::-1]
    return counts[None].astype(int)


TURN = 1e-5 * np.cos(9 * TIME)


def test_a_stop_and_correction_of_the_third_layer_is_reproduced():
    result = judged("B6", made(h=lambda _: per_seed(0.9 + TURN), counts=lambda _: mirrored([2])))
    assert result.verdict == "reproduced"
    assert (result.effect, result.conditions[0].control) == (1.0, 0.0)


def test_one_of_every_layer_is_not_the_third_ones():
    result = judged("B6", made(h=lambda _: per_seed(0.9 + TURN), counts=lambda _: mirrored([0, 1, 2])))
    assert result.verdict == "partly"
    assert result.holds_in_control


@pytest.mark.parametrize(
    "changes",
    [
        {"h": lambda _: per_seed(0.9 + TURN)},
        {"h": lambda _: per_seed(0.9 - 1e-5 * TIME), "counts": lambda _: mirrored([2])},
        {"h": lambda _: per_seed(0.9 + 1e4 * TURN), "counts": lambda _: mirrored([2])},
        {"h": lambda _: per_seed(0.9 + TURN * (TIME < 0.3)), "counts": lambda _: mirrored([2])},
    ],
    ids=["same weights", "no turn", "no stop", "early turn"],
)
def test_half_of_it_is_not(changes):
    assert judged("B6", made(**changes)).verdict == "not reproduced"


def test_sampling_alone_is_no_correction():
    generator = np.random.default_rng(0)
    law = mirrored([])[0, 0] / mirrored([])[0, 0].sum(-1, keepdims=True)
    draws = [
        [generator.multinomial(SIZES[layer], p, size=SNAPSHOTS) for layer, p in zip(LAYERS, law, strict=True)]
        for _ in range(SEEDS)
    ]
    counts = np.array(draws).transpose(0, 2, 1, 3)
    result = judged("B6", made(h=lambda _: per_seed(0.9 + TURN), counts=lambda _: counts))
    assert result.verdict == "not reproduced"


@pytest.mark.parametrize("law", [[1, 2, 3, 4, 90], [1] * 64], ids=["uneven", "even"])
def test_error_of_entropy_is_that_of_resampling(law):
    n = 5120
    p = np.array(law) / np.sum(law)
    drawn = np.random.default_rng(0).multinomial(n, p, size=4000)
    resampled = complexity_entropy(drawn).entropy.std()
    assert stop_and_correction._entropy_error(n * p) == pytest.approx(resampled, rel=0.06)
