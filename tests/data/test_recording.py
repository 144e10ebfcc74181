import sys
import warnings
from abc import ABCMeta, abstractmethod
from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime

import h5py
import numpy as np
import pytest

from lib.data import _nwb
from lib.data.recording import NPZ_KEYS, STORED, Epoch, Recording, from_npz, from_nwb, stored_session
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


@pytest.fixture
def put_session(tmp_path):
    """Write a file in the layout of the stored session; some arrays replaced, or left out where the value is None."""

    def put(path=tmp_path / "mine.npz", **changes):
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays = {
            "raster": np.eye(3, 50, dtype=np.uint8),
            "frame_rate_hz": np.array(25.0),
            "epoch_name": np.array(["grey", "movie"]),
            "epoch_start": np.array([0, 20], np.int32),
            "epoch_end": np.array([20, 50], np.int32),
            "cell_specimen_id": np.array([5, 6, 7]),
            "cell0_calcium": np.ones(50),
        } | changes
        np.savez(path, **{key: value for key, value in arrays.items() if value is not None})
        return path

    return put


class TestNpz:
    def test_reads_the_layout(self, put_session):
        recording = from_npz(put_session(), area="VISl")
        assert np.array_equal(recording.events, np.eye(3, 50))
        assert recording.bin_width == 1 / 25
        assert recording.epochs == (Epoch("grey", 0, 20), Epoch("movie", 20, 50))
        assert recording.neuron_ids.tolist() == [5, 6, 7]
        assert recording.area == "VISl"
        assert recording.source.endswith("mine.npz")

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"raster": None, "epoch_end": None}, "it lacks raster, epoch_end"),
            ({"raster": np.zeros((1, 50))}, "1 neurons is no population"),
            ({"epoch_end": np.array([21, 50])}, "overlap in 1 bins"),
            ({"epoch_end": np.array([20, 51])}, "outside the recording of 50 bins"),
            ({"epoch_end": np.array([20])}, "2 names, 2 starts and 1 ends"),
            ({"epoch_end": np.array([20.0, 50.0])}, "cannot be interpreted as an integer"),
            ({"frame_rate_hz": np.array(0.0)}, "frame_rate_hz 0.0 is no positive number"),
            ({"frame_rate_hz": np.array("x")}, "frame_rate_hz x is no positive number"),
            ({"cell_specimen_id": np.array([5, 6])}, "does not fit 3 neurons"),
            ({"epoch_name": np.array(["a", "b"], object)}, "damaged or no .npz file .*allow_pickle"),
        ],
    )
    def test_wrong_content_is_one_sentence_with_file_and_remedy(self, put_session, changes, message):
        path = put_session(**changes)
        with pytest.raises(ValueError, match=message) as caught:
            from_npz(path)
        assert str(caught.value).startswith(f"{path} cannot be used, ")
        assert str(caught.value).endswith("replace the file.")

    def test_damage_anywhere_is_found(self, put_session):
        path = put_session()
        raw = path.read_bytes()
        path.write_bytes(raw[: len(raw) // 2])
        with pytest.raises(ValueError, match="damaged or no"):
            from_npz(path)
        with pytest.raises(FileNotFoundError, match=r"There is no file .*none\.npz: check the path"):
            from_npz(path.with_name("none.npz"))

    @pytest.mark.parametrize("folder", ["", "allen_vc2p"])
    def test_stored_session_is_found_in_named_folders(self, put_session, monkeypatch, tmp_path, folder):
        (tmp_path / "empty").mkdir()
        path = put_session(tmp_path / "data" / folder / STORED)
        monkeypatch.setenv("BOOK_DATA", f"{tmp_path / 'empty'}:{tmp_path / 'data'}")
        recording = stored_session()
        assert recording.area == "VISp"
        assert "MLspike" in recording.source
        assert str(path) in recording.source

    def test_a_link_to_nowhere_is_named(self, monkeypatch, tmp_path):
        (tmp_path / STORED).symlink_to(tmp_path / "nowhere")
        monkeypatch.setenv("BOOK_DATA", str(tmp_path))
        with pytest.raises(FileNotFoundError, match=rf"There is no file {tmp_path / STORED}: check the path"):
            stored_session()

    def test_missing_session_says_how_to_get_it(self, monkeypatch, tmp_path):
        with pytest.raises(
            FileNotFoundError, match=r"mlspike\.npz is in no folder named in BOOK_DATA: put .*SWDB-2016"
        ):
            stored_session()
        assert all(key in NPZ_KEYS for key in ("raster", "epoch_name"))
        monkeypatch.setenv("BOOK_DATA", str(tmp_path / "typo"))
        with pytest.raises(FileNotFoundError, match=r"typo', which is no folder"):
            stored_session()


@pytest.fixture(scope="module")
def nwb():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("pynwb", reason="NWB files are made and read by pynwb")


@pytest.fixture
def put_nwb(nwb, tmp_path):
    """Write an NWB file: a function is given the content to fill in."""

    def put(fill, path=tmp_path / "session.nwb"):
        content = nwb.NWBFile("made by a test", "id", datetime(2020, 1, 1, tzinfo=UTC))
        fill(content)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with nwb.NWBHDF5IO(str(path), "w") as io:
                io.write(content)
        return path

    return put


SPIKES = ([0.05, 1.0, 1.02, 2.6, 9.0], [0.3, 2.9], [])


def add_units(content):
    for number, times in enumerate(SPIKES):
        content.add_unit(spike_times=np.array(times), id=70 + number)


def add_epochs(content):
    content.add_epoch(0.0, 1.0, ["grey"])
    content.add_epoch(1.0, 3.0, ["movie", "one"])


@pytest.fixture
def add_series(nwb):
    """Add a series of three columns at 10 Hz for 5 s from 2 s on; two regions of four are not in it."""

    def add(content, data=None, name="events", **options):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pynwb asks for a shared ancestor before there can be one
            put_together(content, data, name, options)

    def put_together(content, data, name, options):
        device = content.devices.get("microscope") or content.create_device("microscope")
        if "ophys" not in content.processing:
            channel = nwb.ophys.OpticalChannel("channel", "made up", 520.0)
            plane = content.create_imaging_plane(
                name="plane", optical_channel=channel, description="made up", device=device, excitation_lambda=910.0,
                indicator="GCaMP6f", location="VISp",
            )  # fmt: skip
            module = content.create_processing_module("ophys", "made up")
            segmentation = nwb.ophys.PlaneSegmentation("made up", plane, "cells")
            for number in range(5):
                segmentation.add_roi(pixel_mask=[(number, 0, 1.0)], id=40 + number)
            module.add(nwb.ophys.ImageSegmentation(plane_segmentations=[segmentation]))
        module = content.processing["ophys"]
        cells = module["ImageSegmentation"]["cells"]
        rois = cells.create_roi_table_region("some", region=[0, 2, 4])
        data = np.arange(150.0).reshape(50, 3) if data is None else data
        clock = options or {"rate": 10.0, "starting_time": 2.0}
        series = nwb.ophys.RoiResponseSeries(name, data, "a.u.", rois, **clock)
        module.add(nwb.ophys.Fluorescence(roi_response_series=[series], name=f"F{name}"))

    return add


@pytest.fixture
def made_content(nwb, add_series):
    """What a file with spike times, two epochs and two series holds."""
    content = nwb.NWBFile("made by a test", "id", datetime(2020, 1, 1, tzinfo=UTC))
    add_units(content)
    add_epochs(content)
    add_series(content)
    add_series(content, -np.ones((50, 3)), "dff")
    return content


class TestNwb:
    def test_spike_times_are_counted(self, put_nwb):
        path = put_nwb(lambda content: (add_units(content), add_epochs(content)))
        recording = from_nwb(path, bin_width=0.5, area="VISp")
        assert recording.events.tolist() == [[1, 0, 2, 0, 0, 1], [1, 0, 0, 0, 0, 1], [0] * 6]
        assert recording.epochs == (Epoch("grey", 0, 2), Epoch("movie one", 2, 6))
        assert recording.neuron_ids.tolist() == [70, 71, 72]
        assert recording.times.tolist() == [0, 0.5, 1, 1.5, 2, 2.5]
        assert (recording.bin_width, recording.source) == (0.5, str(path))

    def test_more_bins_than_memory_holds_are_refused(self, put_nwb):
        path = put_nwb(lambda content: (add_units(content), add_epochs(content)))
        with pytest.raises(ValueError, match=r"there are [\d,]{15,} bins of 1e-12 s, which need [\d,]+ GiB; use"):
            from_nwb(path, bin_width=1e-12)

    def test_spikes_on_edges_go_to_the_later_bin(self, put_nwb):
        def fill(content):
            content.add_unit(spike_times=np.arange(40) / 10, id=0)
            content.add_unit(spike_times=np.array([3.95]), id=1)
            add_epochs(content)

        events = from_nwb(put_nwb(fill), bin_width=0.1).events
        assert events[0].sum() == 30
        assert events[1].sum() == 0  # after the last interval

    def test_a_series_is_taken_as_it_stands(self, put_nwb, add_series):
        def fill(content):
            add_series(content)
            content.add_epoch(2.0, 4.0, ["grey"])
            content.add_epoch(4.05, 6.95, ["movie"])

        recording = from_nwb(put_nwb(fill))
        assert np.array_equal(recording.events, np.arange(150.0).reshape(50, 3).T)
        assert recording.bin_width == pytest.approx(0.1)
        assert recording.epochs == (Epoch("grey", 0, 20), Epoch("movie", 21, 49))
        assert recording.neuron_ids.tolist() == [40, 42, 44]
        assert recording.during("movie").time[0] == pytest.approx(4.1)

    def test_a_series_with_its_own_times(self, put_nwb, add_series):
        times = np.r_[np.arange(25) / 10, 100 + np.arange(25) / 10]
        path = put_nwb(lambda content: add_series(content, timestamps=times))
        recording = from_nwb(path, intervals=[("grey", 0, 2.5), ("movie", 100, 102.5)])
        assert recording.epochs == (Epoch("grey", 0, 25), Epoch("movie", 25, 50))
        assert recording.bin_width == pytest.approx(0.1)

    def test_rows_of_one_stimulus_make_an_epoch(self, put_nwb, nwb):
        def fill(content):
            add_units(content)
            table = nwb.epoch.TimeIntervals(name="gratings_presentations", description="made up")
            table.add_column("stimulus_name", "what")
            table.add_column("orientation", "degrees")
            for start in (0.0, 0.5, 1.0, 4.0, 4.5):
                table.add_interval(start, start + 0.25, stimulus_name="gratings", orientation=45.0 * start)
            content.add_time_intervals(table)
            grey = nwb.epoch.TimeIntervals(name="grey_screen", description="made up")
            grey.add_interval(2.0, 3.0)
            content.add_time_intervals(grey)
            content.add_trial(0.0, 9.0)

        path = put_nwb(fill)
        recording = from_nwb(path, bin_width=0.25)
        assert recording.epochs == (Epoch("gratings", 0, 5), Epoch("grey_screen", 8, 12), Epoch("gratings", 16, 19))
        apart = from_nwb(path, bin_width=0.25, intervals="gratings_presentations", join=0.0)
        assert len(apart.epochs) == 5
        named = from_nwb(path, bin_width=0.25, intervals="gratings_presentations", label="orientation")
        assert named.stimuli == ("0.0", "22.5", "45.0", "180.0", "202.5")
        assert from_nwb(path, bin_width=0.25, intervals="trials").epochs == (Epoch("trials", 0, 36),)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({}, r"cannot be counted in bins of None s; give bin_width in seconds"),
            ({"bin_width": 0.0}, r"bins of 0\.0 s"),
            ({"bin_width": 5.0}, "shorter than a bin of 5 s"),
            ({"series": "events", "bin_width": 0.1}, "leave bin_width out"),
            ({"series": "nothing"}, "no series called 'nothing'; there are Fdff/dff, Fevents/events"),
            ({"bin_width": 0.1, "intervals": "blocks"}, "no table of intervals called 'blocks'; there are epochs"),
            ({"bin_width": 0.1, "intervals": []}, "the list of intervals is empty"),
            ({"bin_width": 0.1, "intervals": [("a", 3, 2)]}, "from 3.0 s to 2.0 s: its stop must come after"),
            ({"bin_width": 0.1, "label": "colour"}, "epochs has no column 'colour'; there are start_time"),
        ],
    )
    def test_bad_requests_are_one_sentence(self, made_content, options, message):
        with pytest.raises(ValueError, match=message) as caught:
            _nwb.take(
                made_content, **{"series": None, "bin_width": None, "intervals": None, "label": None} | options, join=1
            )
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"bin_width": 2.0}, r"'grey' from 0 s to 1 s holds no whole bin of 2 s: at least 1 is needed"),
            ({"series": "events"}, r"'grey' goes from 0 s to 1 s, outside the recording of 2 s to 7 s"),
            ({"series": "Fdff/dff", "intervals": [("a", 2, 4)]}, "cannot be negative: give spikes"),
            ({"bin_width": 0.1, "intervals": [("a", 0, 2), ("b", 1, 3)]}, "overlap in 10 bins"),
        ],
    )
    def test_bad_recordings_are_one_sentence(self, made_content, monkeypatch, tmp_path, options, message):
        path = tmp_path / "session.nwb"
        path.touch()
        monkeypatch.setattr(_nwb, "read", lambda path, *rest: _nwb.take(made_content, *rest))  # reading takes a second
        with pytest.raises(ValueError, match=message) as caught:
            from_nwb(path, **options)
        assert str(caught.value).startswith(f"{path} cannot be used: ")
        assert "\n" not in str(caught.value)

    def test_a_choice_is_not_guessed(self, nwb, add_series):
        content = nwb.NWBFile("made by a test", "id", datetime(2020, 1, 1, tzinfo=UTC))
        add_series(content)
        add_series(content, name="more")
        with pytest.raises(ValueError, match="2 series that could be meant; name one of Fevents/events, Fmore/more"):
            _nwb.take(content, None, None, [("a", 2, 4)], None, 1.0)
        assert _nwb.take(content, "more", None, [("a", 2, 4)], None, 1.0).events.shape == (3, 50)

    def test_a_file_without_events_or_intervals(self, put_nwb):
        with pytest.raises(ValueError, match=r"has no table of intervals; give intervals="):
            from_nwb(put_nwb(add_units), bin_width=0.1)
        with pytest.raises(ValueError, match="neither spike times nor a RoiResponseSeries"):
            from_nwb(put_nwb(add_epochs))

    def test_a_file_that_is_not_nwb(self, nwb, put_nwb, tmp_path):
        path = tmp_path / "notes.nwb"
        with pytest.raises(FileNotFoundError, match="There is no file"):
            from_nwb(path)
        path.write_text("not a recording")
        with pytest.raises(ValueError, match="no NWB file, for it is not HDF5; export the recording as NWB 2"):
            from_nwb(path)
        with h5py.File(path, "w") as file:
            file["x"] = 1
        with pytest.raises(ValueError, match="no NWB file, for it is HDF5 without nwb_version"):
            from_nwb(path)
        with h5py.File(path, "w") as file:
            file["nwb_version"] = "NWB-1.0.5"
        with pytest.raises(ValueError, match=r"NWB 1, which pynwb does not read; for the Allen .* lib\.data\.neural"):
            from_nwb(path)
        with h5py.File(path, "w") as file:
            file.attrs["nwb_version"] = "2.7.0"
        with pytest.raises(ValueError, match="pynwb cannot read it"):
            from_nwb(path)
        whole = put_nwb(lambda content: (add_units(content), add_epochs(content)), tmp_path / "whole.nwb").read_bytes()
        path.write_bytes(whole[:-1000])
        with pytest.raises(ValueError, match=r"it is damaged \(.*truncated.*\); fetch it again"):
            from_nwb(path)

    def test_without_pynwb_one_sentence_says_what_to_install(self, monkeypatch, tmp_path):
        monkeypatch.setitem(sys.modules, "pynwb", None)
        (tmp_path / "a.nwb").write_bytes(b"")
        with pytest.raises(ImportError, match=r"not installed: pip install 'pynwb>=2\.8'\.$"):
            from_nwb(tmp_path / "a.nwb", bin_width=1.0)

    def test_versions_that_do_not_work_together_are_named(self, nwb, put_nwb, monkeypatch):
        path = put_nwb(lambda content: (add_units(content), add_epochs(content)))
        monkeypatch.setattr(nwb, "NWBFile", ABCMeta("Abstract", (), {"read": abstractmethod(lambda self: None)}))
        with pytest.raises(ImportError, match=r"pynwb [\d.]+ does not work with hdmf [\d.]+: pip install 'hdmf<5'\.$"):
            from_nwb(path, bin_width=1.0)

    def test_joined_sorts_and_keeps_apart_what_differs(self):
        rows = [("b", 5.0, 6.0), ("a", 0.0, 1.0), ("a", 0.5, 0.7), ("a", 1.5, 2.0), ("b", 2.0, 2.5), ("a", 2.6, 3.0)]
        assert _nwb.joined(rows, 0.5) == [("a", 0.0, 2.0), ("b", 2.0, 2.5), ("a", 2.6, 3.0), ("b", 5.0, 6.0)]
        with pytest.raises(ValueError, match="'a' goes from nan s"):
            _nwb.joined([("a", float("nan"), 1.0)], 1.0)
