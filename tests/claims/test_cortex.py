"""Judges of the visual cortex on tables made by hand."""

import numpy as np
import pytest
import xarray as xr

from lib.claims.cortex import (
    rise,
    rostrolateral_area_does_not_discriminate,
    sparsity_makes_complexity_low,
    stimuli_raise_both,
    total_correlation_is_low,
)

NEURONS = 100


def table(records, **attrs):
    names = records[0]
    return xr.Dataset({name: ("estimate", [row[name] for row in records]) for name in names}, attrs=attrs)


def session(
    source="stored",
    area="VISp",
    movie=20.0,
    shifted_movie=20.0,
    equal_movie=10.0,
    matched_movie=20.0,
    error=0.1,
    binary=True,
    others=(("drifting_gratings", 0, 0.0),),
):
    """One session: spontaneous activity once, a movie twice, and others, such as what no text asks for."""
    found = []
    for study, of_movie in (
        ("stimuli", movie),
        ("surrogates", shifted_movie),
        ("rates", equal_movie),
        ("neurons", matched_movie),
    ):
        for stimulus, segment, bits in (
            ("spontaneous", 0, 10.0),
            ("natural_movie_one", 0, of_movie),
            ("natural_movie_one", 1, of_movie + error),
            *(others if study == "stimuli" else ()),
        ):
            for method in ("independent", "autoregressive", "logistic"):
                found.append(
                    {
                        "study": study,
                        "source": source,
                        "area": area,
                        "stimulus": stimulus,
                        "segment": segment,
                        "method": method,
                        "grouped": 1,
                        "draw": 0,
                        "neurons": NEURONS,
                        "bits": bits,
                        "standard_error": error,
                        "dimension": 5 * bits,
                        "dimension_error": error,
                        "dimension_of_counts": 5 * bits if binary else 2 * bits,
                    }
                )
    return found


def test_a_rise_that_rates_have_too_holds_in_the_control():
    found = stimuli_raise_both(table(session()))
    assert found.verdict == "partly"
    assert found.holds_in_control is True
    assert found.effect == pytest.approx(0.1, abs=0.002)
    assert [c.name for c in found.conditions] == [
        "VISp, complexity, logistic, movies",
        "VISp, complexity, autoregressive, movies",
        "VISp, effective dimension, binary, movies",
    ]
    assert "Not run: VISl, static gratings, scenes, effective dimension of real-valued events." in found.text
    assert "One session: intervals are over blocks of time." in found.text
    assert "no interval" not in found.text
    assert "drifting gratings, which are not the text's: complexity falls, -0.1000" in found.text
    assert "at equal rates 0.0005" in found.conditions[0].note


def test_a_rise_must_be_larger_than_its_error():
    noisy = stimuli_raise_both(table(session(movie=10.5, shifted_movie=10.0, error=1.0)))
    assert [c.passes for c in noisy.conditions[:2]] == [None, None]
    falls = stimuli_raise_both(table(session(movie=5.0, shifted_movie=5.0)))
    assert falls.verdict == "not reproduced"


def test_segments_may_scatter_more_than_blocks_of_time():
    made = table(session(error=0.1))
    value, error = rise(made, "stimuli", "stored", "complexity, logistic", "movies")
    assert value == pytest.approx((20.05 - 10) / NEURONS)
    assert error == pytest.approx(np.hypot(0.1, np.hypot(0.1, 0.1) / 2) / NEURONS)
    assert rise(made, "stimuli", "stored", "complexity, logistic", "scenes") is None
    assert rise(made, "bins", "stored", "complexity, logistic", "movies") is None


def test_several_sessions_give_an_interval_over_sessions():
    made = table([row for k in range(6) for row in session(source=str(k), movie=20.0 + k)])
    condition = stimuli_raise_both(made).conditions[0]
    assert condition.seeds == 6
    assert condition.interval[0] < 0.125 < condition.interval[1]


OTHERS = (("static_gratings", 0, 12.0), ("natural_scenes", 0, 14.0))


def test_many_sessions_are_judged_step_by_step_and_with_amplitudes():
    """Where there is a record of them, the one session is not judged."""
    of_area = [
        row
        for k in range(6)
        for row in session(str(k), movie=16.0 + 0.1 * k, shifted_movie=9.0, binary=False, others=OTHERS)
    ]
    found = stimuli_raise_both(table(session()), table(of_area))
    assert found.verdict == "partly"
    assert "Not run: VISl." in found.text
    assert "drifting" not in found.text
    assert all(c.passes for c in found.conditions)
    by = {c.name: c for c in found.conditions}
    step = by["VISp, effective dimension, events, share of sessions that rise from scenes to movies"]
    assert (step.effect, step.seeds, step.passes) == (1.0, 6, True)
    assert step.interval[0] == pytest.approx(0.025 ** (1 / 6))  # of 6 in 6
    rank = by["VISp, complexity, logistic, slope over the order"]
    assert rank.effect == pytest.approx((2 + 3 * 6.3) / 10 / NEURONS)  # of 0, 2, 4 and 6.3 bits, the mean over sessions
    assert rank.passes


def test_a_step_that_half_of_the_sessions_take_is_none():
    made = table([row for k in range(6) for row in session(str(k), movie=13.0 + 2 * (k % 2), others=OTHERS)])
    names = [c for c in stimuli_raise_both(made).conditions if c.name.endswith("from scenes to movies")]
    assert [c.passes for c in names] == [None] * 3
    assert [c.effect for c in names] == [0.5] * 3


def test_areas_are_judged_apart():
    made = table([row for k in range(6) for row in session(str(k), "VISrl", movie=9.7 + 0.1 * k)])
    assert stimuli_raise_both(made) is None
    assert rostrolateral_area_does_not_discriminate(made).verdict == "reproduced"
    one = rostrolateral_area_does_not_discriminate(table(session(area="VISrl", movie=10.0, error=0.5)))
    assert (one.verdict, [c.passes for c in one.conditions]) == ("partly", [True] * 3)  # one session is not enough
    assert rostrolateral_area_does_not_discriminate(table(session())) is None
    six = [row for k in range(6) for row in session(str(k), "VISrl", movie=9.7 + 0.1 * k, matched_movie=20.0)]
    told = rostrolateral_area_does_not_discriminate(table(six)).conditions[0]
    assert told.control == pytest.approx(0.1, abs=0.001)
    assert told.note == "standard deviation over sessions 0.0019"
    tells = rostrolateral_area_does_not_discriminate(table(session(area="VISrl", movie=20.0)))
    assert tells.verdict == "not reproduced"


def systems(active=0.007, whole=0.02, shifted=0.0, layer=0.3, sparse=0.05, neurons=0.02, sparse_bits=3.5):
    """Neurons with 3.5 independent bits, a layer with 60: total correlations of each, in three draws."""
    found = []

    def add(system, surrogate, independent, correlation, draws=(0, 1, 2), is_whole=0, stimulus="movie"):
        for draw in draws:
            for method, share in (
                ("independent", 0.0),
                ("autoregressive", correlation - 0.01),
                ("logistic", correlation),
            ):
                gain = independent * (share + 0.001 * draw * (method != "independent"))
                found.append(
                    {
                        "system": system,
                        "stimulus": stimulus,
                        "surrogate": surrogate,
                        "whole": is_whole,
                        "method": method,
                        "draw": draw,
                        "units": NEURONS if is_whole else 64,
                        "bits": independent - gain,
                        "gain": gain,
                        "gain_error": 0.001 * independent,
                        "activity": active,
                    }
                )

    add("neurons", "none", 5.0, whole, draws=(0,), is_whole=1)
    add("neurons", "shifted", 5.0, shifted, draws=(0,), is_whole=1)
    add("neurons", "none", 3.5, neurons)
    add("layer", "none", 60.0, layer, stimulus="")
    add("sparse layer", "none", sparse_bits, sparse)
    return table(found, recording="stored")


def test_sparsity_explains_the_gap_or_not():
    found = sparsity_makes_complexity_low(systems())
    assert [c.passes for c in found.conditions] == [True, True]
    assert found.verdict == "partly"  # one recording
    assert found.effect > 0.99
    assert sparsity_makes_complexity_low(systems(active=0.02)).conditions[0].passes is False
    assert sparsity_makes_complexity_low(systems(sparse_bits=30.0)).conditions[1].passes is False


def test_total_correlation_is_judged_by_the_tightest_method():
    found = total_correlation_is_low(systems())
    assert [c.passes for c in found.conditions] == [True] * 3
    assert found.effect == pytest.approx(0.02)
    assert found.interval == pytest.approx((0.02 - 1.96e-3, 0.02 + 1.96e-3))
    assert found.conditions[0].holds_in_control is False


def test_what_trains_alone_have_is_no_correlation():
    assert total_correlation_is_low(systems(shifted=0.02)).conditions[0].holds_in_control is True
    assert total_correlation_is_low(systems(whole=0.2)).conditions[0].passes is False
    equal = total_correlation_is_low(systems(sparse=0.01))
    assert [c.passes for c in equal.conditions] == [True, True, False]


def test_simulated_neurons_are_not_judged(smoke_record):
    assert stimuli_raise_both(smoke_record("cortex"), smoke_record("cortex_areas")) is None
    assert rostrolateral_area_does_not_discriminate(smoke_record("cortex_areas")) is None
    for judge in (sparsity_makes_complexity_low, total_correlation_is_low):
        assert judge(smoke_record("neurons_and_layers")) is None
