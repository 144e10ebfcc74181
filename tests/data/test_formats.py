import gzip
import pickle
import tarfile
import zipfile

import numpy as np
import pytest

from lib import files
from lib.data._formats import KEYS, read_cifar, read_idx, read_idx_folder, read_npz, write_npz


def same(found, expected):
    return set(found) == set(KEYS) and all(
        found[key].shape == expected[key].shape and np.array_equal(found[key], expected[key]) for key in KEYS
    )


class Trap:
    """A pickle that leaves a mark when it is loaded."""

    sprung = False

    def __reduce__(self):
        return (setattr, (Trap, "sprung", True))


@pytest.fixture
def small(tmp_path, make_arrays):
    arrays = make_arrays(n_train=2, n_test=1, shape=(3, 3))
    path = tmp_path / "small.npz"
    write_npz(path, arrays)
    return path, arrays


class TestNpz:
    @pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
    def test_reads_what_numpy_writes(self, tmp_path, make_arrays, save):
        arrays = make_arrays()
        save(tmp_path / "set.npz", extra=np.zeros(3), **arrays)
        assert same(read_npz(tmp_path / "set.npz"), arrays)

    def test_numpy_reads_what_we_write(self, small):
        path, arrays = small
        with np.load(path, allow_pickle=False) as found:
            assert same(dict(found), arrays)

    def test_every_truncation_is_found(self, small):
        path, _ = small
        whole = path.read_bytes()
        for length in range(0, len(whole), 7):
            path.write_bytes(whole[:length])
            with pytest.raises(ValueError, match=r"empty|damaged"):
                read_npz(path)

    @pytest.mark.parametrize("compressed", [False, True])
    def test_every_flipped_byte_is_found_or_harmless(self, small, compressed):
        # Harmless are the bytes that say nothing of the arrays, such as time stamps.
        path, arrays = small
        if compressed:
            np.savez_compressed(path, **arrays)
        whole = path.read_bytes()
        found = 0
        for position in range(len(whole)):
            damaged = bytearray(whole)
            damaged[position] ^= 0xFF
            path.write_bytes(damaged)
            try:
                assert same(read_npz(path), arrays), position
            except ValueError:
                found += 1
        assert found > len(whole) / 2

    def test_damaged_header_is_found_where_numpy_stops_early(self, tmp_path, make_arrays):
        # Read as 4-byte integers, half of the labels' bytes are enough: the right number of plausible wrong labels.
        path = tmp_path / "long.npz"
        write_npz(path, make_arrays(n_train=9000, shape=(1, 1)))
        path.write_bytes(path.read_bytes().replace(b"'<i8'", b"'<i4'", 1))
        with np.load(path) as lenient:
            assert lenient["y_train"].dtype == np.int32
        with pytest.raises(ValueError, match="CRC"):
            read_npz(path)

    def test_object_array_is_refused_unopened(self, small):
        path, arrays = small
        np.savez(path, **arrays | {"y_train": np.array([Trap(), Trap()], dtype=object)})
        with pytest.raises(ValueError, match="allow_pickle=False"):
            read_npz(path)
        assert not Trap.sprung

    def test_bare_pickle_is_refused_unopened(self, small):
        path, _ = small
        path.write_bytes(pickle.dumps({"x_train": Trap()}))
        with pytest.raises(ValueError, match=r"no \.npz file"):
            read_npz(path)
        assert not Trap.sprung
        pickle.loads(path.read_bytes())  # the trap works
        assert Trap.sprung
        Trap.sprung = False

    def test_bare_npy_is_refused(self, small):
        path, _ = small
        with path.open("wb") as file:
            np.save(file, np.zeros(3))
        with pytest.raises(ValueError, match=r"no \.npz file"):
            read_npz(path)

    def test_member_that_is_no_array(self, small):
        path, _ = small
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x_train.npy", b"not an array")
        with pytest.raises(ValueError, match="damaged"):
            read_npz(path)

    def test_unreadable_file_is_not_called_damaged(self, tmp_path):
        with pytest.raises(OSError, match="absent"):
            read_npz(tmp_path / "absent.npz")


class TestWriteNpz:
    @pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
    def test_interrupted_write_keeps_the_old_file(self, small, make_arrays, monkeypatch, error):
        path, arrays = small

        def half(file, **_):
            file.write(b"PK half a file")
            raise error

        monkeypatch.setattr(np, "savez", half)
        with pytest.raises(type(error)):
            write_npz(path, make_arrays())
        assert [entry.name for entry in path.parent.iterdir()] == ["small.npz"]
        assert same(read_npz(path), arrays)

    def test_interrupted_first_write_leaves_nothing(self, tmp_path, make_arrays, monkeypatch):
        def fail(*_):
            raise OSError("no sync")

        monkeypatch.setattr(files.os, "fsync", fail)
        with pytest.raises(OSError, match="no sync"):
            write_npz(tmp_path / "new" / "set.npz", make_arrays())
        assert list((tmp_path / "new").iterdir()) == []


class TestIdx:
    @pytest.fixture
    def path(self, tmp_path, idx_bytes):
        path = tmp_path / "some-idx3-ubyte.gz"
        path.write_bytes(gzip.compress(idx_bytes(np.arange(24, dtype=np.uint8).reshape(2, 3, 4)), mtime=0))
        return path

    def test_reads(self, path):
        assert np.array_equal(read_idx(path), np.arange(24).reshape(2, 3, 4))

    def test_reads_a_folder(self, tmp_path, put_idx):
        arrays = put_idx(tmp_path)
        assert same(read_idx_folder(tmp_path), arrays)

    def test_every_truncation_is_found(self, path):
        whole = path.read_bytes()
        for length in range(len(whole)):
            path.write_bytes(whole[:length])
            with pytest.raises(ValueError, match=r"some-idx3-ubyte.gz is (empty|damaged)"):
                read_idx(path)

    def test_every_flipped_byte_is_found_or_harmless(self, path):
        whole = path.read_bytes()
        harmless = 0
        for position in range(len(whole)):
            damaged = bytearray(whole)
            damaged[position] ^= 0xFF
            path.write_bytes(damaged)
            try:
                assert np.array_equal(read_idx(path), np.arange(24).reshape(2, 3, 4)), position
                harmless += 1
            except ValueError:
                continue
        assert harmless <= 6  # gzip's time stamp, compression level and operating system

    @pytest.mark.parametrize(
        ("raw", "message"),
        [
            (b"", "no idx file"),
            (b"\x00\x00\x08", "no idx file"),
            (b"\x00\x00\x08\x03\x00\x00", "no idx file"),
            (b"\x00\x00\x0d\x01\x00\x00\x00\x01" + b"\x00" * 4, "no idx file"),  # 4-byte floats
            (b"\x00\x00\x08\x01\x00\x00\x00\x03" + b"\x00" * 2, r"announces \(3,\) values and holds 2"),
            (b"\x00\x00\x08\x01\x00\x00\x00\x03" + b"\x00" * 4, r"announces \(3,\) values and holds 4"),
            (b"\x00\x00\x08\x02" + b"\xff" * 8, r"announces \(4294967295, 4294967295\)"),
            (b"\x00\x00\x08\x04" + b"\x00\x01\x00\x00" * 4, "holds 0"),  # the product is 2**64
        ],
    )
    def test_wrong_content(self, path, raw, message):
        path.write_bytes(gzip.compress(raw))
        with pytest.raises(ValueError, match=message):
            read_idx(path)

    def test_missing(self, tmp_path):
        with pytest.raises(ValueError, match=r"absent\.gz is missing"):
            read_idx(tmp_path / "absent.gz")


class TestCifar:
    @pytest.mark.parametrize(("name", "classes"), [("cifar10", 10), ("cifar100", 100)])
    def test_reads_the_binary_version(self, tmp_path, make_arrays, put_cifar, name, classes):
        arrays = make_arrays(n_train=11, shape=(32, 32, 3), classes=classes)
        put_cifar(tmp_path / "archive.tar.gz", name, arrays)
        assert same(read_cifar(tmp_path / "archive.tar.gz", name), arrays)

    def test_wrong_archives(self, tmp_path, make_arrays, put_cifar):
        path, arrays = tmp_path / "archive.tar.gz", make_arrays(shape=(32, 32, 3))
        put_cifar(path, "cifar10", arrays)
        whole = path.read_bytes()
        with pytest.raises(ValueError, match=r"not the binary version of cifar100 .*train.bin"):
            read_cifar(path, "cifar100")
        for ninths in range(9):
            path.write_bytes(whole[: len(whole) * ninths // 9])
            with pytest.raises(ValueError, match=r"archive.tar.gz is damaged"):
                read_cifar(path, "cifar10")

    def test_part_of_a_record(self, tmp_path, make_arrays, put_cifar):
        arrays = make_arrays(shape=(32, 32, 3))
        put_cifar(tmp_path / "a.tar.gz", "cifar100", arrays, **{"cifar-100-binary/train.bin": b"\x00" * 3075})
        with pytest.raises(ValueError, match="damaged"):
            read_cifar(tmp_path / "a.tar.gz", "cifar100")

    def test_folder_in_place_of_a_member(self, tmp_path):
        with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
            info = tarfile.TarInfo("cifar-100-binary/train.bin")
            info.type = tarfile.DIRTYPE
            archive.addfile(info)
        with pytest.raises(ValueError, match=r"train\.bin is no file"):
            read_cifar(tmp_path / "a.tar.gz", "cifar100")
