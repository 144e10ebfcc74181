import hashlib
import http.server
import socket
import threading

import pytest

from lib.data import _download, cache_folder, load
from lib.data._download import DownloadError, Remote, download, fetch, remotes
from lib.data._formats import IDX_FILES


def md5(path):
    return hashlib.md5(path.read_bytes()).hexdigest()


@pytest.fixture
def online(monkeypatch):
    monkeypatch.delenv("BOOK_OFFLINE")
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def server(tmp_path):
    """A server on this machine, and the folder that it serves."""
    folder = tmp_path / "served"
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(folder))

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}/", folder
        running.shutdown()
        thread.join()


@pytest.fixture
def served_mnist(online, monkeypatch, server, put_idx):
    """MNIST as made-up files on the local server: its first mirror lacks them."""
    url, folder = server
    arrays = put_idx(folder, mark=8)
    listed = [
        Remote(name, md5(folder / name), (f"{url}no-such-folder/{name}", url + name)) for name in IDX_FILES.values()
    ]
    monkeypatch.setattr(_download, "remotes", lambda name: listed)
    return folder, arrays


def left_in_cache():
    return sorted(entry.name for entry in cache_folder().iterdir())


def test_remotes_have_checksums():
    for name in ("mnist", "fashion-mnist", "kmnist", "cifar10", "cifar100"):
        listed = remotes(name)
        assert len(listed) == (1 if name.startswith("cifar") else 4)
        for remote in listed:
            assert len(bytes.fromhex(remote.md5)) == 16
            assert remote.urls
            assert all(url.endswith("/" + remote.filename) for url in remote.urls)
    # The only idx names that the reader knows are those that are fetched.
    assert {remote.filename for remote in remotes("kmnist")} == set(IDX_FILES.values())


def test_download_then_cache(served_mnist, monkeypatch, capfd):
    _, arrays = served_mnist
    first = load("mnist")
    assert first.x_train[:, 0].numpy().tolist() == arrays["x_train"].tolist()
    assert first.source == str(cache_folder() / "mnist.npz")
    assert "mnist: downloading 11.6 MB into" in capfd.readouterr().err
    assert left_in_cache() == ["mnist.npz"]
    monkeypatch.setenv("BOOK_OFFLINE", "1")
    assert load("mnist").y_train[0] == 8


def test_wrong_checksum_leaves_nothing(served_mnist):
    folder, _ = served_mnist
    path = folder / IDX_FILES["y_test"]
    sound = path.read_bytes()
    path.write_bytes(sound[:-1])
    with pytest.raises(FileNotFoundError, match=r"mnist is not on this machine and cannot be downloaded \(.*corrupted"):
        load("mnist")
    assert left_in_cache() == []
    path.write_bytes(sound)
    assert load("mnist").y_train[0] == 8


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, MemoryError])
def test_interrupted_download_leaves_nothing_and_a_later_call_works(served_mnist, monkeypatch, interruption):
    def interrupted(url, folder, filename, md5):
        (folder / filename).write_bytes(b"\x1f\x8b half of it")
        if filename == IDX_FILES["x_test"]:
            raise interruption

    with monkeypatch.context() as patch:
        patch.setattr(_download, "fetch", interrupted)
        with pytest.raises(interruption):
            load("mnist")
    assert left_in_cache() == []
    assert load("mnist").y_train[0] == 8


@pytest.mark.parametrize("step", ["read_idx_folder", "write_npz"])
def test_interrupted_conversion_leaves_nothing(served_mnist, monkeypatch, step):
    def fail(*_):
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(_download, step, fail)
        with pytest.raises(FileNotFoundError, match="no space left on device"):
            load("mnist")
    assert left_in_cache() == []
    assert load("mnist").y_train[0] == 8


def test_damaged_cache_is_replaced(served_mnist):
    cache_folder().mkdir(parents=True)
    (cache_folder() / "mnist.npz").write_bytes(b"PK\x03\x04 partial")
    with pytest.warns(UserWarning, match=r"mnist\.npz cannot be used, it is damaged .*: it is fetched anew\."):
        assert load("mnist").y_train[0] == 8
    assert load("mnist").y_train[0] == 8  # and now without a warning


def test_cifar_is_fetched_as_the_binary_version(online, monkeypatch, server, make_arrays, put_cifar):
    url, folder = server
    arrays = make_arrays(n_train=10, shape=(32, 32, 3), mark=7)
    archive = folder / "cifar-10-binary.tar.gz"
    put_cifar(archive, "cifar10", arrays)
    monkeypatch.setattr(_download, "CIFAR_SITE", url)
    monkeypatch.setitem(_download.CIFAR_ARCHIVES, "cifar10", (archive.name, md5(archive)))
    found = load("cifar10")
    assert found.x_test.permute(0, 2, 3, 1).tolist() == arrays["x_test"].tolist()
    assert "10 of 50,000 train" in repr(found)
    assert left_in_cache() == ["cifar10.npz"]


@pytest.mark.parametrize("value", ["1", "yes"])
def test_offline_switch(monkeypatch, tmp_path, value):
    monkeypatch.setenv("BOOK_OFFLINE", value)
    with pytest.raises(DownloadError, match="BOOK_OFFLINE is set"):
        download("mnist", tmp_path / "mnist.npz")


@pytest.mark.parametrize("value", ["0", ""])
def test_offline_switch_off(online, monkeypatch, tmp_path, value):
    monkeypatch.setenv("BOOK_OFFLINE", value)
    monkeypatch.setattr(_download, "remotes", lambda name: [Remote("f", "0" * 32, ("http://127.0.0.1:9/f",))])
    with pytest.raises(DownloadError, match=r"http://127.0.0.1:9/f: .*refused"):
        download("mnist", tmp_path / "mnist.npz")
    assert list(tmp_path.iterdir()) == []


def test_cache_that_cannot_be_written(online, monkeypatch, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(FileNotFoundError, match=r"cannot be downloaded \(.*cache"):
        load("mnist")


def test_silent_server_is_given_up(online, monkeypatch, tmp_path):
    monkeypatch.setattr(_download, "TIMEOUT", 0.1)
    before = socket.getdefaulttimeout()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/file"
        with pytest.raises(OSError, match="timed out"):
            fetch(url, tmp_path, "file", "0" * 32)
    assert socket.getdefaulttimeout() == before
