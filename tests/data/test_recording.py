import warnings
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from lib.data.recording import Epoch, Recording
from lib.measures.patterns import pattern_entropy

EPOCHS = (Epoch("grey", 0, 10), Epoch("movie", 12, 20), Epoch("grey", 20, 27))


@pytest.fixture
def small():
    """3 neurons x 30 bins of 0.5 s, counts; every number differs from every other."""
    return Recording(
        np.arange(90).reshape(3, 30),
        0.5,
        EPOCHS,
        "counted",
        neuron_ids=np.array([11, 12, 13]),
        area="VISp",
        running=np.arange(30) / 10,
    )


class TestEpoch:
    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            (("", 0, 1), "from bin 0 to 1 has no name"),
            (("a", -1, 1), r"Epoch 'a' \(-1 to 1\) starts before bin 0"),
            (("a", 4, 4), r"Epoch 'a' \(4 to 4\) is empty"),
            (("a", 4, 3), r"Epoch 'a' \(4 to 3\) is empty"),
        ],
    )
    def test_refuses(self, fields, message):
        with pytest.raises(ValueError, match=message):
            Epoch(*fields)

    def test_bins_are_whole(self):
        with pytest.raises(TypeError):
            Epoch("a", 0, 1.5)
        epoch = Epoch("a", np.int32(2), np.uint8(5))
        assert epoch == Epoch("a", 2, 5)
        assert type(epoch.end) is int
        assert epoch.bins == 3


class TestRecording:
    def test_says_what_it_is(self, small):
        assert repr(small) == "Recording(3 neurons x 30 bins of 0.5 s; grey, movie; counted)"
        assert (small.n_neurons, small.n_bins, small.stimuli) == (3, 30, ("grey", "movie"))
        assert small.epochs_of("grey") == (EPOCHS[0], EPOCHS[2])

    def test_is_frozen_and_its_events_cannot_be_written(self, small):
        with pytest.raises(FrozenInstanceError):
            small.bin_width = 1.0
        with pytest.raises(ValueError, match="read-only"):
            small.events[0, 0] = 1

    def test_leaves_the_given_array_writeable(self):
        events = np.zeros((2, 3))
        Recording(events, 1.0, (Epoch("a", 0, 3),), "made up")
        events[0, 0] = 1
        assert events.sum() == 1

    @pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32, np.float64])
    def test_keeps_binary_counts_and_amplitudes_as_they_are(self, dtype):
        events = np.array([[0, 1], [1, 0]], dtype)
        recording = Recording(events, 1.0, [Epoch("a", 0, 2)], "made up")
        assert recording.events.dtype == dtype
        assert recording.epochs == (Epoch("a", 0, 2),)
        assert np.array_equal(recording.during("a").patterns, [[0, 1], [1, 0]])

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"events": np.zeros(30)}, r"Events of shape \(30,\) are no table of neurons and time bins: give"),
            ({"events": np.zeros((3, 0))}, r"Events of shape \(3, 0\) are no table"),
            ({"events": np.zeros((1, 30))}, "recording of 1 neurons is no population: give 2 neurons or more"),
            ({"events": np.zeros((3, 30), complex)}, "type complex128 are no events: give 0 and 1"),
            ({"events": np.full((3, 30), "x")}, "type <U1 are no events"),
            ({"bin_width": 0}, "bin width of 0 s is not positive"),
            ({"bin_width": -0.1}, "bin width of -0.1 s"),
            ({"bin_width": float("nan")}, "bin width of nan s"),
            ({"epochs": ()}, r"no epoch: give at least one, such as Epoch\('all', 0, 30\)"),
            ({"epochs": EPOCHS[::-1]}, r"'movie' \(12 to 20\) is listed after 'grey' \(20 to 27\): sort the epochs"),
            (
                {"epochs": (Epoch("a", 0, 10), Epoch("b", 8, 12))},
                r"'a' \(0 to 10\) and 'b' \(8 to 12\) overlap in 2 bins",
            ),
            ({"epochs": (Epoch("a", 0, 10), Epoch("b", 2, 5))}, "overlap in 3 bins"),
            ({"epochs": (Epoch("a", 20, 31),)}, r"'a' \(20 to 31\) ends outside the recording of 30 bins"),
            ({"source": ""}, "without a source cannot be cited"),
            ({"neuron_ids": [1, 2]}, r"neuron_ids of shape \(2,\) does not fit 3 neurons: give one value per neuron"),
            ({"running": np.zeros(29)}, r"running of shape \(29,\) does not fit 30 bins: give one value per bin"),
            ({"times": np.zeros((30, 1))}, r"times of shape \(30, 1\) does not fit 30 bins"),
            ({"times": np.r_[0:10, 9:29]}, "Times do not grow: bin 10 begins at 9.0 s, after 9.0 s"),
            ({"times": np.full(30, np.nan)}, "Times do not grow: bin 1 begins at nan s"),
        ],
    )
    def test_refuses(self, small, changes, message):
        with pytest.raises(ValueError, match=message) as caught:
            replace(small, **changes)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_refuses_traces_with_gaps(self, small, value):
        events = small.events.astype(float)
        events[1, 5:9] = events[2, 3] = value
        with pytest.raises(ValueError, match=rf"hold {value} in 4 bins of neuron 1 \(2 such neurons\): leave"):
            replace(small, events=events)

    @pytest.mark.parametrize("dtype", [int, float])
    def test_refuses_negative_events(self, small, dtype):
        events = small.events.astype(dtype)
        events[2, 7] = -3
        with pytest.raises(ValueError, match=r"hold -3(\.0)? \(neuron 2, bin 7\), but cannot be negative: give spikes"):
            replace(small, events=events)

    def test_running_may_have_gaps(self, small):
        running = np.where(np.arange(30) < 3, np.nan, 1.0)
        assert np.isnan(replace(small, running=running).during("grey").running).sum() == 3


class TestDuring:
    def test_puts_all_epochs_of_a_stimulus_together(self, small):
        part = small.during("grey")
        bins = [*range(10), *range(20, 27)]
        assert np.array_equal(part.z, small.events.T[bins])
        assert part.z.flags.c_contiguous
        assert part.z.flags.writeable
        assert part.epoch.tolist() == [0] * 10 + [2] * 7
        assert np.array_equal(part.time, np.array(bins) / 2)
        assert np.array_equal(part.running, np.array(bins) / 10)
        assert (part.stimulus, part.bin_width) == ("grey", 0.5)
        assert repr(part) == "Part(grey: 17 bins of 0.5 s x 3 neurons)"

    def test_single_epochs_make_up_the_whole(self, small):
        parts = [small.during(epoch) for epoch in small.epochs_of("grey")]
        assert [len(part.z) for part in parts] == [10, 7]
        assert np.array_equal(np.concatenate([part.z for part in parts]), small.during("grey").z)
        assert set(parts[1].epoch) == {2}

    def test_uses_the_clock_that_is_given(self, small):
        times = 100 + np.arange(30) ** 1.1
        assert np.array_equal(replace(small, times=times).during("movie").time, times[12:20])

    def test_names_the_stimuli_there_are(self, small):
        with pytest.raises(ValueError, match=r"No epoch shows 'scenes': choose one of grey, movie\."):
            small.during("scenes")
        with pytest.raises(ValueError, match=r"'grey' \(0 to 9\) is none of this recording's"):
            small.during(Epoch("grey", 0, 9))

    def test_estimators_take_it_with_blocks_as_groups(self):
        rng = np.random.default_rng(0)
        recording = Recording(rng.random((4, 2000)) < 0.5, 0.1, (Epoch("a", 0, 900), Epoch("a", 900, 2000)), "made up")
        part = recording.during("a")
        found = pattern_entropy(part.patterns, "plugin", groups=part.blocks(10.0))
        assert found.groups == 20
        assert found.bits == pytest.approx(4, abs=0.02)


class TestBlocks:
    def test_blocks_are_stretches_of_at_least_that_length_within_an_epoch(self):
        epochs = (Epoch("a", 0, 103), Epoch("b", 103, 120), Epoch("a", 120, 199), Epoch("a", 199, 209))
        part = Recording(np.zeros((2, 300)), 0.1, epochs, "made up").during("a")
        blocks = part.blocks(1.0)
        assert np.array_equal(np.unique(blocks), np.arange(10 + 7 + 1))
        assert set(np.diff(blocks)) == {0, 1}
        for epoch in (0, 2, 3):
            sizes = np.bincount(blocks[part.epoch == epoch])
            sizes = sizes[sizes > 0]
            assert sizes.min() >= 10
            assert np.ptp(sizes) <= 1
        assert all(len(set(part.epoch[blocks == block])) == 1 for block in range(18))

    def test_blocks_of_one_bin_are_the_bins(self, small):
        assert np.array_equal(small.during("movie").blocks(0.5), np.arange(8))

    def test_says_how_many_bins_are_needed(self, small):
        part = small.during("grey")
        with pytest.raises(ValueError, match=r"Epoch 2 of 'grey' has 7 bins, but a block of 4 s needs 8: use shorter"):
            part.blocks(4.0)
        with pytest.raises(ValueError, match=r"'movie' has 8 bins, but 3 blocks of 2 s need 12: use shorter"):
            small.during("movie").blocks(2.0, least=3)
        with pytest.raises(ValueError, match=r"0\.1 s is less than a bin of 0\.5 s: give that or more"):
            part.blocks(0.1)


class TestSelect:
    def test_takes_numbers_and_masks(self, small):
        chosen = small.select([2, 0])
        assert np.array_equal(chosen.events, small.events[[2, 0]])
        assert chosen.neuron_ids.tolist() == [13, 11]
        assert np.array_equal(small.select(np.array([True, False, True])).events, small.events[[0, 2]])
        assert (chosen.area, chosen.epochs, chosen.source) == ("VISp", EPOCHS, "counted")

    @pytest.mark.parametrize(
        ("neurons", "message"),
        [
            ([0], "1 neurons is no population"),
            ([], "0 neurons is no population"),
            ([0, 3], "no neuron 3: numbers go from 0 to 2"),
            ([-1, 0], "no neuron -1"),
            ([1, 1], "chosen twice"),
            ([0.0, 1.0], "type float64 and shape"),
            ([True, False], "a mask of 3 truth values"),
            (1, r"shape \(\)"),
        ],
    )
    def test_refuses(self, small, neurons, message):
        with pytest.raises(ValueError, match=message):
            small.select(neurons)


class TestRebinned:
    @pytest.mark.parametrize("dtype", [bool, np.uint8, np.int32, np.float32])
    def test_agrees_with_a_loop(self, dtype):
        rng = np.random.default_rng(1)
        events = (rng.random((4, 100)) < 0.2) * rng.integers(1, 200, (4, 100))
        recording = Recording(events.astype(dtype), 0.1, (Epoch("a", 3, 40), Epoch("b", 40, 99)), "made up")
        sums, anys = recording.rebinned(0.4), recording.rebinned(0.4, "any")
        starts = [*range(3, 40 - 3, 4), *range(40, 99 - 3, 4)]
        expected = np.array([[row[k : k + 4].sum() for k in starts] for row in recording.events])
        assert np.array_equal(sums.events, expected)
        assert np.array_equal(anys.events, expected > 0)
        assert anys.events.dtype == np.uint8
        assert sums.events.dtype == (np.float32 if dtype == np.float32 else np.int64)
        assert sums.epochs == (Epoch("a", 0, 9), Epoch("b", 9, 23))
        assert sums.bin_width == pytest.approx(0.4)
        assert np.array_equal(sums.times, np.array(starts) * 0.1)

    def test_width_is_a_whole_number_of_bins(self):
        recording = Recording(np.ones((2, 3017)), 1 / 30.17, (Epoch("a", 0, 3017),), "made up")
        second = recording.rebinned(1.0)
        assert second.bin_width == pytest.approx(30 / 30.17)
        assert (second.events == 30).all()
        assert second.n_bins == 100

    def test_same_width_drops_only_the_time_between_epochs(self, small):
        same = small.rebinned(0.5)
        assert np.array_equal(same.during("grey").z, small.during("grey").z)
        assert np.array_equal(same.during("movie").time, small.during("movie").time)
        assert same.n_bins == 25

    def test_twice_by_two_is_once_by_four(self, small):
        whole = replace(small, epochs=(Epoch("a", 0, 8), Epoch("b", 8, 24)))
        twice, once = whole.rebinned(1.0).rebinned(2.0), whole.rebinned(2.0)
        assert np.array_equal(twice.events, once.events)
        assert np.array_equal(twice.times, once.times)
        assert twice.epochs == once.epochs

    def test_running_is_the_mean_of_what_was_measured(self, small):
        running = small.running.copy()
        running[:3] = np.nan
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            speeds = replace(small, running=running).rebinned(1.0).running
        assert np.isnan(speeds[0])
        assert speeds[1] == pytest.approx(0.3)
        assert speeds[2] == pytest.approx(0.45)

    def test_says_how_many_bins_are_needed(self, small):
        with pytest.raises(ValueError, match=r"'grey' \(20 to 27\) has 7 bins, but a new bin of 4 s needs 8"):
            small.rebinned(4.0)
        with pytest.raises(ValueError, match=r"0\.2 s is less than a bin of 0\.5 s"):
            small.rebinned(0.2)
        with pytest.raises(ValueError, match="nan s is less"):
            small.rebinned(float("nan"))
        with pytest.raises(ValueError, match="'sum' or 'any', not 'mean'"):
            small.rebinned(1.0, "mean")
