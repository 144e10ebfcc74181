"""The Allen Brain Observatory without the network: files of its layout, read by allensdk's own classes.

Where something is fetched, a server on this machine stands in for the institute's.
"""

import importlib.util
import json
import re
import sys
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from lib.data import _observatory, _transfer, cache_folder, neural
from lib.data.recording import Epoch

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("allensdk") is None, reason="allensdk is not installed: it needs Python 3.11"
)

CELLS, FRAMES = 4, 1000
# As in session B, but short: the intervals of gratings and scenes alternate; start and end in frames.
SHOWN = {
    "static_gratings": [(20, 100), (400, 480), (900, 980)],
    "natural_scenes": [(120, 200), (300, 380), (800, 880)],
    "spontaneous": [(500, 600)],
    "natural_movie_one": [(600, 700)],
}
ROWS = {"static_gratings": 8, "natural_scenes": 8, "natural_movie_one": 1}  # frames of each presentation


def write_nwb(path, cells=CELLS, running=True, shown=SHOWN, session_type="three_session_B"):
    """Write what allensdk 2.16 reads of a session's NWB file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    times = 5.0 + np.arange(FRAMES) / 30
    with h5py.File(path, "w") as file:
        about = {
            "session_id": "501", "experiment_container_id": "601", "session_type": session_type,
            "subject/age": "100 days", "subject/sex": "male", "subject/genotype": "Cux2-CreERT2;Camk2a-tTA",
            "specimen_name": "mouse", "fov": "400x400 microns",
            "optophysiology/imaging_plane_1/location": "VISl",
            "optophysiology/imaging_plane_1/imaging depth": "275 microns",
            "optophysiology/imaging_plane_1/indicator": "GCaMP6f",
            "optophysiology/imaging_plane_1/excitation_lambda": "910 nanometers",
            "devices/2-photon microscope": "Nikon A1R-MP. CAM2P.2 Please see methods",
        }  # fmt: skip
        for key, value in about.items():
            file[f"general/{key}"] = np.bytes_(value)
        file["general/generated_by"] = np.array([b"pipeline", b"version", b"3.0"])
        file["session_start_time"] = np.bytes_("Mon Feb 1 12:00:00 2016")
        pipeline = file.create_group("processing/brain_observatory_pipeline")
        pipeline["ImageSegmentation/cell_specimen_ids"] = 900 + np.arange(cells)
        pipeline["Fluorescence/imaging_plane_1/timestamps"] = times
        if running:  # from the third frame on
            pipeline["BehavioralTimeSeries/running_speed/data"] = np.arange(FRAMES - 2.0)
            pipeline["BehavioralTimeSeries/running_speed/timestamps"] = times[2:]
        for name, intervals in shown.items():
            group = file.create_group(f"stimulus/presentation/{name}_stimulus")
            if name == "spontaneous":
                group["data"] = np.array([1, -1] * len(intervals))
                group["frame_duration"] = np.array([[frame, frame] for interval in intervals for frame in interval])
                continue
            step = ROWS[name]
            starts = np.concatenate([np.arange(start, end, step) for start, end in intervals])
            group["frame_duration"] = np.stack([starts, starts + step], 1)
            if name == "static_gratings":
                group["data"] = np.zeros((len(starts), 3))
                group["features"] = np.array([b"orientation", b"spatial_frequency", b"phase"])
            else:
                group["data"] = np.arange(len(starts))


def made_events(cells=CELLS):
    rng = np.random.default_rng(cells)
    return np.where(rng.random((cells, FRAMES)) < 0.02, rng.random((cells, FRAMES)), 0.0)


def write_events(path, events=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, ev=made_events() if events is None else events)


def experiment(number, container, area="VISp", session_type="three_session_B"):
    line = {"name": "Cux2-CreERT2", "transgenic_line_type_name": "driver"}
    donor = {"external_donor_name": "1", "transgenic_lines": [line], "date_of_birth": "2015-10-01"}
    return {
        "id": number, "experiment_container_id": container, "stimulus_name": session_type, "imaging_depth": 275,
        "targeted_structure": {"acronym": area}, "specimen": {"name": "mouse", "donor": donor},
        "date_of_acquisition": "2016-02-01", "experiment_container": {"failed": container == 605},
    }  # fmt: skip


EXPERIMENTS = [
    experiment(503, 603, "VISrl"),
    experiment(501, 601, "VISl"),
    experiment(502, 601, "VISl", "three_session_C"),
    experiment(504, 604, "VISam"),
    experiment(505, 605),  # failed
    experiment(507, 607),
    experiment(506, 606),
]
# Cells found in sessions B and C of each container.
COUNTS = {601: (60, 51), 603: (80, 0), 604: (90, 0), 605: (70, 0), 606: (51, 0), 607: (50, 0)}
TABLE = [
    {
        "cell_specimen_id": 10_000 * container + number,
        "experiment_container_id": container,
        "reliability_nm1_b": 0.1 if number < in_b else None,
        "reliability_nm1_c": 0.1 if number < in_c else None,
    }
    for container, (in_b, in_c) in COUNTS.items()
    for number in range(95)
]


@pytest.fixture
def folder(tmp_path):
    """Give a folder with the tables and the session 501, as allensdk lays them out."""
    folder = tmp_path / "observatory"
    write_nwb(folder / "ophys_experiment_data" / "501.nwb")
    write_events(folder / "ophys_experiment_events" / "501_events.npz")
    (folder / "ophys_experiments.json").write_text(json.dumps(EXPERIMENTS))
    (folder / "cell_specimens.json").write_text(json.dumps(TABLE))
    return folder


class TestSessions:
    def test_lists_what_the_text_took(self, folder):
        found = neural.sessions(folder)
        assert [(each.id, each.area, each.cells) for each in found] == [
            (506, "VISp", 51),
            (501, "VISl", 60),
            (503, "VISrl", 80),
        ]
        assert {each.session_type for each in found} == {"three_session_B"}
        here = found[1]
        size = sum(path.stat().st_size for path in folder.glob("ophys_experiment_*/501*"))
        assert (here.cached, here.size) == (True, size)
        assert (here.depth, here.cre_line, here.container) == (275, "Cux2-CreERT2", 601)
        assert (found[0].cached, found[0].size) == (False, None)

    def test_other_types_areas_and_numbers(self, folder):
        assert [(each.id, each.cells) for each in neural.sessions(folder, session_type="three_session_C")] == [
            (502, 51)
        ]
        assert [each.id for each in neural.sessions(folder, ("VISp",), more_than=49)] == [506, 507]
        assert [each.id for each in neural.sessions(folder, ("VISam", "VISp"))] == [504, 506]
        assert neural.sessions(folder, more_than=95) == []

    def test_asking_for_sizes_without_a_network_leaves_them_open(self, folder):
        assert [each.size for each in neural.sessions(folder, ("VISp",), sizes=True)] == [None]

    def test_unknown_words_are_named(self, folder):
        with pytest.raises(ValueError, match=r"No session is of type 'B': choose one of three_session_A, three_ses"):
            neural.sessions(folder, session_type="B")
        with pytest.raises(ValueError, match=r"area 'V1': choose from VISam, VISl, VISp, VISrl\."):
            neural.sessions(folder, ("VISp", "V1"))

    def test_without_tables_or_network_one_sentence_says_what_to_do(self):
        with pytest.raises(
            FileNotFoundError, match=r"table of experiments is not in .*BOOK_OFFLINE is set.*: put "
        ) as caught:
            neural.sessions()
        assert str(cache_folder() / "allen-brain-observatory") in str(caught.value)

    def test_broken_manifest_is_made_again(self, folder):
        neural.sessions(folder)
        whole = (folder / "manifest.json").read_text()
        (folder / "manifest.json").write_text(whole[:100])
        assert len(neural.sessions(folder)) == 3
        assert json.loads((folder / "manifest.json").read_text()) == json.loads(whole)


class TestLoad:
    def test_a_session_is_what_allensdk_reads(self, folder):
        recording = neural.load(501, folder)
        assert np.array_equal(recording.events, made_events())
        assert recording.bin_width == pytest.approx(1 / 30)
        assert np.array_equal(recording.times, 5 + np.arange(FRAMES) / 30)
        assert recording.neuron_ids.tolist() == [900, 901, 902, 903]
        assert recording.area == "VISl"
        assert recording.source == (
            "Allen Brain Observatory, two-photon session 501 (three_session_B, VISl), deconvolved events"
        )

    def test_each_interval_is_an_epoch(self, folder):
        recording = neural.load(501, folder)
        shown = sorted((start, end, name) for name, intervals in SHOWN.items() for start, end in intervals)
        assert recording.epochs == tuple(Epoch(name, start, end) for start, end, name in shown)
        assert recording.stimuli == ("static_gratings", "natural_scenes", "spontaneous", "natural_movie_one")
        part = recording.during("natural_scenes")
        assert part.z.shape == (240, CELLS)
        assert np.unique(part.epoch).tolist() == [1, 2, 6]

    def test_running_speed_is_aligned_with_frames(self, folder):
        running = neural.load(501, folder).running
        assert np.isnan(running[:2]).all()
        assert np.array_equal(running[2:], np.arange(FRAMES - 2))

    def test_running_speed_may_be_missing(self, folder):
        write_nwb(folder / "ophys_experiment_data" / "501.nwb", running=False)
        assert neural.load(501, folder).running is None

    def test_cells_without_events_are_left_out(self, folder):
        events = made_events()
        events[2, 5] = np.nan
        write_events(folder / "ophys_experiment_events" / "501_events.npz", events)
        with pytest.warns(UserWarning, match="Session 501: 1 of 4 cells have events that are nan: left out"):
            recording = neural.load(501, folder)
        assert recording.neuron_ids.tolist() == [900, 901, 903]
        assert np.array_equal(recording.events, events[[0, 1, 3]])

    def test_files_that_do_not_fit_are_named(self, folder):
        write_events(folder / "ophys_experiment_events" / "501_events.npz", made_events(5))
        with pytest.raises(ValueError, match=r"shape \(5, 1000\), but 4 cells and 1000 frames: remove .*501\.nwb and"):
            neural.load(501, folder)

    @pytest.mark.parametrize(
        "changes",
        [
            {"session_type": "three_session_D"},
            {"shown": SHOWN | {"spontaneous": [(1, 2), (220, 230), (390, 395), (700, 750)]}},
        ],
    )
    def test_stimuli_that_cannot_be_told_apart(self, folder, changes):
        write_nwb(folder / "ophys_experiment_data" / "501.nwb", **changes)
        with pytest.raises(
            ValueError, match=r"Stimuli of session 501 cannot be told apart by allensdk \(.*\): use another"
        ):
            neural.load(501, folder)

    def test_missing_session_says_what_to_do(self, folder):
        with pytest.raises(
            FileNotFoundError, match=r"^Session 502 is not whole in .* \(BOOK_OFFLINE is set\): put "
        ) as caught:
            neural.load(502, folder)
        assert "ophys_experiment_data/502.nwb and ophys_experiment_events/502_events.npz" in str(caught.value)

    def test_pickled_events_are_refused(self, folder):
        write_events(folder / "ophys_experiment_events" / "501_events.npz", np.array([[{}]], object))
        with (
            pytest.warns(UserWarning, match=r"501_events\.npz cannot be used, .*allow_pickle"),
            pytest.raises(FileNotFoundError, match="BOOK_OFFLINE"),
        ):
            neural.load(501, folder)

    def test_without_allensdk_one_sentence_says_what_to_install(self, monkeypatch, folder):
        monkeypatch.setitem(sys.modules, "allensdk.core.brain_observatory_cache", None)
        with pytest.raises(ImportError, match=r"with Python 3\.11, pip install 'allensdk==2\.16\.2' ") as caught:
            neural.load(501, folder)
        assert "\n" not in str(caught.value)


class Server:
    """What the institute's server does: answers queries for tables and links, and gives files, with ranges."""

    def __init__(self):
        self.files = {}  # path below the root: bytes
        self.cut = {}  # path: number of bytes after which the connection is cut, once
        self.ranges = True
        self.asked = []  # (path, Range)
        server = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *rest):
                pass

            def do_HEAD(self):
                self.answer(head=True)

            def do_GET(self):
                self.answer()

            def answer(self, head=False):
                path = urllib.parse.unquote(self.path)
                if path.startswith("/api"):
                    body, status, start = json.dumps({"success": True, "msg": server.rows(path)}).encode(), 200, 0
                elif path not in server.files:
                    return self.send_error(404)
                else:
                    body, status, start = server.files[path], 200, 0
                    if not head:
                        server.asked.append((path, self.headers.get("Range")))
                    if server.ranges and (asked := re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))):
                        start, status = int(asked[1]), 206
                        if start >= len(body):
                            return self.send_error(416)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body) - start))
                self.end_headers()
                if not head:
                    end = server.cut.pop(path, len(body))
                    self.wfile.write(body[start:end])
                return None

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"

    def rows(self, query):
        if "ApiCamCellMetric" in query:
            start = int(re.search(r"start_row\$eq(\d+)", query)[1])
            return TABLE[start : start + 2000]
        if "model::OphysExperiment" in query:
            return EXPERIMENTS
        number = re.search(r"attachable_id\$eq(\d+)", query)[1]
        name = f"/{number}.nwb" if "NWBOphys" in query else f"/{number}_events.npz"
        return [{"download_link": name}] if name in self.files else []

    def close(self):
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


@pytest.fixture
def server(monkeypatch, folder):
    """Give a server that has the session of `folder`, which the folder has no more."""
    server = Server()
    monkeypatch.setenv("BOOK_OFFLINE", "0")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(_observatory, "SERVER", server.url)
    for path in list(folder.glob("ophys_experiment_*/501*")):
        server.files[f"/{path.name}"] = path.read_bytes()
        path.unlink()
    yield server
    server.close()


def left(folder):
    """Names of all files in the two folders of sessions, hidden ones too."""
    return sorted(path.name for path in folder.glob("ophys_experiment_*/*"))


class TestFetching:
    def test_size_is_shown_then_files_are_fetched_once(self, server, folder, capsys):
        recording = neural.load(501, folder)
        assert np.array_equal(recording.events, made_events())
        size = sum(map(len, server.files.values()))
        shown = capsys.readouterr().err
        assert f"session 501: downloading {size / 1e6:,.1f} MB into {folder}" in shown
        assert shown.index("downloading") < shown.index("501.nwb: 100%") < shown.index("501_events.npz: 100%")
        assert left(folder) == ["501.nwb", "501_events.npz"]
        assert server.asked == [("/501.nwb", None), ("/501_events.npz", None)]
        neural.load(501, folder)
        assert len(server.asked) == 2
        assert capsys.readouterr().err == ""

    def test_tables_are_fetched_once_and_page_by_page(self, server, folder, monkeypatch):
        monkeypatch.setattr(sys.modules[__name__], "TABLE", TABLE * 4)  # more than a page
        (folder / "ophys_experiments.json").unlink()
        (folder / "cell_specimens.json").unlink()
        found = neural.sessions(folder, sizes=True)
        assert [(each.id, each.cells) for each in found][:2] == [(506, 204), (507, 200)]
        assert next(each for each in found if each.id == 501).size == sum(map(len, server.files.values()))
        assert len(json.loads((folder / "cell_specimens.json").read_text())) == len(TABLE)
        server.close()
        assert len(neural.sessions(folder)) == len(found)

    def test_half_a_table_is_fetched_again(self, server, folder):
        path = folder / "cell_specimens.json"
        path.write_text(path.read_text()[:1000])
        with pytest.warns(UserWarning, match=r"cell_specimens\.json is not whole: it is fetched again"):
            assert len(neural.sessions(folder)) == 3

    @pytest.mark.parametrize("name", ["501.nwb", "501_events.npz"])
    def test_a_cut_connection_goes_on_where_it_stopped(self, server, folder, name):
        server.cut[f"/{name}"] = 3000
        with pytest.raises(FileNotFoundError, match=rf"cut after 3,000 of .*: put .*{name}"):
            neural.load(501, folder)
        assert name not in left(folder)
        assert f".{name}.part" in left(folder)
        neural.load(501, folder)
        assert (f"/{name}", "bytes=3000-") in server.asked
        assert left(folder) == ["501.nwb", "501_events.npz"]

    def test_a_server_without_ranges_begins_again(self, server, folder):
        server.ranges, server.cut = False, {"/501.nwb": 3000}
        with pytest.raises(FileNotFoundError, match="cut after 3,000"):
            neural.load(501, folder)
        assert np.array_equal(neural.load(501, folder).events, made_events())

    @pytest.mark.parametrize("name", ["501.nwb", "501_events.npz"])
    def test_a_broken_file_is_found_and_fetched_again(self, server, folder, name):
        neural.load(501, folder)
        path = next(folder.glob(f"*/{name}"))
        path.write_bytes(path.read_bytes()[:-100])
        with pytest.warns(UserWarning, match=rf"{re.escape(name)} cannot be used, .*: it is fetched again"):
            assert np.array_equal(neural.load(501, folder).events, made_events())
        assert path.read_bytes() == server.files[f"/{name}"]

    def test_what_cannot_be_read_is_not_kept(self, server, folder):
        server.files["/501_events.npz"] = b"<html>maintenance</html>"
        with pytest.raises(FileNotFoundError, match=r"501_events\.npz cannot be used, it is damaged"):
            neural.load(501, folder)
        assert left(folder) == ["501.nwb"]

    def test_a_part_that_is_too_long_is_dropped(self, server, folder):
        part = folder / "ophys_experiment_data" / ".501.nwb.part"
        part.write_bytes(b"x" * (len(server.files["/501.nwb"]) + 10))
        assert np.array_equal(neural.load(501, folder).events, made_events())

    def test_unknown_session(self, server, folder):
        with pytest.raises(FileNotFoundError, match=r"has no 999\.nwb; `sessions` lists what there is"):
            neural.load(999, folder)

    def test_no_server(self, server, folder):
        server.close()
        with pytest.raises(
            FileNotFoundError, match=r"Session 501 is not whole in .*refused.*ask again with internet access"
        ):
            neural.load(501, folder)
        (folder / "cell_specimens.json").unlink()
        with pytest.raises(
            FileNotFoundError, match=r"table of cells is not in .*refused.*put cell_specimens\.json there"
        ):
            neural.sessions(folder)

    def test_sizes_that_the_server_does_not_say(self):
        assert _observatory._megabytes([1_500_000, 1_000_000_000]) == "1,001.5 MB"
        assert _observatory._megabytes([3, None]) == "files of unknown size"
        assert _observatory._megabytes([None]) == "a file of unknown size"

    @pytest.mark.parametrize("said", [None, "", "-1", "many", "1e3"])
    def test_a_size_that_is_none_is_not_known(self, said):
        answer = SimpleNamespace(headers={} if said is None else {"Content-Length": said})
        assert _transfer._length(answer) is None

    def test_missing_file_of_the_server(self, server, tmp_path):
        with pytest.raises(_transfer.TransferError, match="404"):
            _transfer.size(f"{server.url}/none")
        with pytest.raises(_transfer.TransferError, match="404"):
            _transfer.fetch(f"{server.url}/none", tmp_path / "none", lambda path: None)
