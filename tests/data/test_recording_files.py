import sys
import warnings
from abc import ABCMeta, abstractmethod
from datetime import UTC, datetime

import h5py
import numpy as np
import pytest

from lib.data import _nwb
from lib.data.recording import Epoch
from lib.data.recording_files import NPZ_KEYS, STORED, from_npz, from_nwb, stored_session


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
