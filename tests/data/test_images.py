import os
import warnings
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from lib.data import NAMES, ImageSet, cache_folder, images, load
from lib.data._catalogue import CATALOGUE


def test_catalogue_numbers_classes_without_repeats():
    assert set(NAMES) == {"digits", "mnist", "fashion-mnist", "kmnist", "cifar10", "cifar100"}
    for name, entry in CATALOGUE.items():
        assert len(set(entry.classes)) == len(entry.classes) == (100 if name == "cifar100" else 10)
    assert list(CATALOGUE["cifar100"].classes) == sorted(CATALOGUE["cifar100"].classes)


class TestDigits:
    def test_every_source_image_is_in_exactly_one_part(self):
        digits, source = load("digits"), load_digits()
        assert (digits.n_train, digits.n_test) == (1437, 360) == digits.published
        ours = torch.cat([digits.x_train, digits.x_test]).flatten(1).numpy()
        theirs = np.rint(source.data * 255 / 16)
        assert sorted(map(tuple, ours)) == sorted(map(tuple, theirs))
        labels = torch.cat([digits.y_train, digits.y_test])
        assert labels.bincount().tolist() == np.bincount(source.target).tolist()

    def test_levels_survive_rounding(self):
        levels = load("digits").x_train.unique()
        assert levels.tolist() == [round(level * 255 / 16) for level in range(17)]
        assert (levels / 255 * 16).round().tolist() == list(range(17))

    def test_split_is_stratified(self):
        digits = load("digits")
        share = digits.y_test.bincount() / torch.cat([digits.y_train, digits.y_test]).bincount()
        assert torch.allclose(share, torch.full((10,), 360 / 1797), atol=0.005)

    def test_split_is_fixed(self):
        # A changed split would change every number computed from the digits without a word.
        digits = load("digits")
        assert digits.y_test[:12].tolist() == [1, 4, 8, 6, 5, 9, 9, 1, 3, 2, 2, 2]
        assert int(digits.x_test.long().sum()) == 1790819

    def test_default_name_and_classes(self):
        digits = load()
        assert digits.name == "digits"
        assert digits.classes == tuple("0123456789")
        assert (digits.shape, digits.features) == ((1, 8, 8), 64)

    @pytest.mark.parametrize("size", [8, 28, 32])
    def test_upscaling_keeps_labels_and_brightness(self, size):
        small, large = load("digits"), load("digits", size=size)
        assert large.shape == (1, size, size)
        assert large.x_train.dtype == torch.uint8
        assert torch.equal(small.y_test, large.y_test)
        assert large.floats().mean() == pytest.approx(float(small.floats().mean()), rel=0.02)
        assert f"upscaled to {size} x {size}" in large.source

    def test_upscaling_to_own_size_changes_nothing(self):
        assert torch.equal(load("digits", size=8).x_train, load("digits").x_train)

    def test_doubling_is_bilinear(self):
        # Twice the size: each new pixel centre lies a quarter of a pixel off an old one, so weights are 3/4 and 1/4.
        x = load("digits").x_train[0, 0].double()
        rows = torch.cat([x[:1], x, x[-1:]])  # the border is repeated
        inner = 0.75 * rows[1:-1] + 0.25 * rows[2:]
        outer = 0.75 * rows[1:-1] + 0.25 * rows[:-2]
        tall = torch.stack([outer, inner], 1).reshape(16, 8)
        columns = torch.cat([tall[:, :1], tall, tall[:, -1:]], 1)
        right, left = (0.75 * columns[:, 1:-1] + 0.25 * side for side in (columns[:, 2:], columns[:, :-2]))
        expected = torch.stack([left, right], 2).reshape(16, 16)
        assert (load("digits", size=16).x_train[0, 0] - expected).abs().max() <= 0.5

    def test_shrinking_is_refused(self):
        with pytest.raises(ValueError, match="size=7 is less than the 8 pixels of digits"):
            load("digits", size=7)


class TestImageSet:
    @pytest.fixture
    def small(self):
        x = torch.tensor([0, 51, 255, 102], dtype=torch.uint8).reshape(2, 1, 1, 2)
        y = torch.tensor([0, 1])
        return ImageSet("small", x, y, x[:1], y[:1], ("a", "b"), "nowhere", (4, 1))

    def test_floats_and_vectors(self, small):
        assert torch.equal(small.floats(), torch.tensor([0, 0.2, 1, 0.4]).reshape(2, 1, 1, 2))
        assert torch.equal(small.vectors("test", dtype=torch.float64), torch.tensor([[0, 51]]).double() / 255)

    def test_vectors_are_channel_by_channel(self, make_arrays):
        arrays = make_arrays(shape=(32, 32, 3))
        colour = images._image_set("cifar10", arrays, "made up")
        expected = np.concatenate([arrays["x_train"][0, ..., channel].ravel() for channel in range(3)])
        assert torch.equal(colour.vectors()[0] * 255, torch.tensor(expected).float())

    def test_unknown_part(self, small):
        with pytest.raises(ValueError, match="not 'valid'"):
            small.floats("valid")

    def test_repr_says_how_much_is_here(self, small):
        assert repr(small) == ("ImageSet(small: 2 of 4 train and 1 test images of 1 x 1 x 2, 2 classes, from nowhere)")

    def test_is_frozen(self, small):
        with pytest.raises(FrozenInstanceError):
            small.name = "other"

    def test_moves_as_one(self, small):
        moved = small.to("cpu")
        assert moved.device == torch.device("cpu")
        assert torch.equal(moved.x_train, small.x_train)
        assert moved.published == small.published

    @pytest.mark.parametrize(
        ("field", "value", "message"),
        [
            (
                "x_train",
                torch.zeros(2, 1, 1, 2),
                r"uint8 \(N, C, H, W\), but is float32 \(2, 1, 1, 2\)",
            ),
            ("x_test", torch.zeros(1, 2, dtype=torch.uint8), "x_test must be uint8"),
            ("y_train", torch.tensor([0.0, 1.0]), "y_train must be int64"),
            ("y_train", torch.tensor([[0, 1]]), "y_train must be int64"),
            ("y_train", torch.tensor([0]), "x_train has 2 images but y_train has 1 labels"),
            ("y_train", torch.tensor([0, 2]), "labels from 0 to 2, but 2 classes"),
            ("y_train", torch.tensor([-1, 1]), "labels from -1 to 1"),
            ("x_test", torch.zeros(1, 1, 2, 2, dtype=torch.uint8), "must be alike"),
            ("x_test", torch.zeros(1, 1, 0, 2, dtype=torch.uint8), "x_test is empty"),
        ],
    )
    def test_refuses_what_does_not_fit(self, small, field, value, message):
        with pytest.raises(ValueError, match=message):
            replace(small, **{field: value})

    def test_refuses_an_empty_part(self, small):
        with pytest.raises(ValueError, match="x_test is empty"):
            replace(small, x_test=small.x_test[:0], y_test=small.y_test[:0])

    def test_refuses_two_devices(self, small):
        with pytest.raises(ValueError, match="one device"):
            replace(small, x_train=small.x_train[:0].to("meta").new_empty(2, 1, 1, 2))

    @pytest.mark.gpu
    @pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
    def test_gpu_has_the_same_images(self):
        host, device = load("digits", size=28), load("digits", size=28, device="cuda")
        assert device.device.type == "cuda"
        assert torch.equal(host.x_train, device.x_train.cpu())
        assert torch.equal(host.y_test, device.y_test.cpu())


class TestLookUp:
    def test_folders_come_in_order_then_cache(self, monkeypatch, tmp_path, put_npz):
        first, second = tmp_path / "first", tmp_path / "second"
        for folder in (first, second):
            folder.mkdir()
        monkeypatch.setenv("BOOK_DATA", f"{first}{os.pathsep}{os.pathsep}{second}")
        put_npz(cache_folder(), mark=3)
        assert load("mnist").y_train[0] == 3
        put_npz(second, mark=2)
        assert load("mnist").y_train[0] == 2
        path = put_npz(first, mark=1)
        assert load("mnist").y_train[0] == 1
        assert load("mnist").source == str(path)

    def test_cache_comes_before_debian(self, monkeypatch, tmp_path, put_npz, put_idx):
        monkeypatch.setattr(images, "DEBIAN_FASHION", tmp_path / "debian")
        arrays = put_idx(tmp_path / "debian", mark=4)
        found = load("fashion-mnist")
        assert found.source == str(tmp_path / "debian")
        assert np.array_equal(found.x_test[:, 0].numpy(), arrays["x_test"])
        put_npz(cache_folder(), "fashion-mnist", mark=5)
        assert load("fashion-mnist").y_train[0] == 5

    def test_home_is_expanded(self, monkeypatch, tmp_path, put_npz):
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("BOOK_DATA", "~/sets")
        monkeypatch.delenv("BOOK_CACHE")
        put_npz(tmp_path / "sets", mark=6)
        assert load("mnist").y_train[0] == 6
        assert cache_folder() == tmp_path / ".cache" / "inside-learning" / "data"

    def test_mistyped_folder_is_named(self, monkeypatch, tmp_path):
        monkeypatch.setenv("BOOK_DATA", str(tmp_path / "typo"))
        with pytest.raises(FileNotFoundError, match=r"BOOK_DATA names '.*typo', which is no folder"):
            load("mnist")
        assert load("digits").n_train == 1437

    def test_missing_set_says_how_to_get_it(self):
        with pytest.raises(FileNotFoundError, match=r"^kmnist is not on this .*kmnist\.npz.*BOOK_DATA, or call"):
            load("kmnist")
        with pytest.raises(FileNotFoundError, match=r"dataset-fashion-mnist"):
            load("fashion-mnist")

    @pytest.mark.parametrize(
        ("name", "hint"),
        [
            ("fashion_mnist", "did you mean 'fashion-mnist'"),
            ("CIFAR-10", "did you mean 'cifar10'"),
            ("KMNIST", "did you mean 'kmnist'"),
            ("imagenet-21k", "choose one of digits, mnist"),
            (None, "choose one of digits, mnist"),
        ],
    )
    def test_unknown_name(self, name, hint):
        with pytest.raises(ValueError, match=hint):
            load(name)

    def test_part_of_a_set_is_accepted_and_stated(self, put_npz, monkeypatch, tmp_path):
        put_npz(tmp_path, "cifar100", n_train=20, n_test=8, shape=(32, 32, 3), classes=100, mark=99)
        monkeypatch.setenv("BOOK_DATA", str(tmp_path))
        part = load("cifar100", device="cpu")
        assert (part.n_train, part.n_test) == (20, 8)
        assert "20 of 50,000 train and 8 of 10,000 test images" in repr(part)
        assert part.x_train.is_contiguous()

    def test_column_of_labels_and_grey_channel(self, make_arrays):
        arrays = make_arrays()
        columns = {key: value[:, None] if key[0] == "y" else value[..., None].copy() for key, value in arrays.items()}
        plain, keras = (images._image_set("mnist", kind, "made up") for kind in (arrays, columns))
        assert torch.equal(plain.x_train, keras.x_train)
        assert torch.equal(plain.y_test, keras.y_test)

    @pytest.mark.parametrize("dtype", ["uint8", "int8", ">i8", "<u2", "int64"])
    def test_any_integer_labels(self, make_arrays, dtype):
        arrays = make_arrays()
        other = images._image_set("mnist", arrays | {"y_train": arrays["y_train"].astype(dtype)}, "made up")
        assert other.y_train.tolist() == arrays["y_train"].tolist()


BAD_CONTENT = {
    "float images": ({"x_train": np.zeros((7, 28, 28))}, "x_train must be uint8 .* but is float64"),
    "flat images": ({"x_train": np.zeros((7, 784), np.uint8)}, r"but is uint8 \(7, 784\)"),
    "wrong size": ({"x_test": np.zeros((4, 32, 32), np.uint8)}, "images of 1 x 32 x 32, but those of mnist are 1 x 28"),
    "colour": ({"x_test": np.zeros((4, 28, 28, 3), np.uint8)}, "images of 3 x 28 x 28"),
    "float labels": ({"y_test": np.zeros(4)}, "y_test must be integers .* but is float64"),
    "one-hot labels": ({"y_test": np.zeros((4, 10), int)}, r"but is int64 \(4, 10\)"),
    "one label": ({"y_test": np.array(3)}, r"but is int64 \(\)"),
    "label too high": ({"y_train": np.full(7, 10)}, "labels from 10 to 10, but 10 classes"),
    "negative label": ({"y_train": np.full(7, -1)}, "labels from -1"),
    "huge label": ({"y_train": np.full(7, 2**64 - 1, np.uint64)}, "labels from -1"),
    "fewer labels": ({"y_train": np.zeros(6, int)}, "7 images but y_train has 6 labels"),
    "no images": ({"x_train": np.zeros((0, 28, 28), np.uint8), "y_train": np.zeros(0, int)}, "x_train is empty"),
    "too many": (
        {"x_test": np.zeros((10_001, 28, 28), np.uint8), "y_test": np.zeros(10_001, int)},
        "holds 10,001 images, but mnist has only 10,000",
    ),
    "missing key": ({"y_test": None}, "it lacks y_test"),
    "missing keys": ({"x_test": None, "y_test": None}, "it lacks x_test, y_test"),
}


@pytest.mark.parametrize("case", BAD_CONTENT)
def test_wrong_content_is_one_sentence_with_file_and_remedy(case, put_npz, monkeypatch, tmp_path):
    changes, message = BAD_CONTENT[case]
    path = put_npz(tmp_path, changes=changes)
    monkeypatch.setenv("BOOK_DATA", str(tmp_path))
    with pytest.raises(ValueError, match=message) as caught:
        load("mnist")
    sentence = str(caught.value)
    assert sentence.startswith(f"{path} cannot be used, ")
    assert sentence.endswith(": replace the file, or remove it so that the set is looked for elsewhere.")
    assert "\n" not in sentence


def test_damaged_debian_files_are_an_error(monkeypatch, tmp_path, put_idx):
    monkeypatch.setattr(images, "DEBIAN_FASHION", tmp_path / "debian")
    put_idx(tmp_path / "debian")
    (tmp_path / "debian" / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(ValueError, match=r"t10k-labels-idx1-ubyte.gz is missing: install the package dataset-fashion"):
        load("fashion-mnist")


def test_damaged_cache_is_named_and_passed_over(monkeypatch, tmp_path, put_idx):
    monkeypatch.setattr(images, "DEBIAN_FASHION", tmp_path / "debian")
    put_idx(tmp_path / "debian", mark=4)
    cache_folder().mkdir(parents=True)
    (cache_folder() / "fashion-mnist.npz").write_bytes(b"")
    with pytest.warns(UserWarning, match=r"fashion-mnist\.npz cannot be used, the file is empty: it is fetched anew"):
        assert load("fashion-mnist").y_train[0] == 4


def test_sound_files_cause_no_warning(monkeypatch, tmp_path, put_npz):
    put_npz(tmp_path)
    monkeypatch.setenv("BOOK_DATA", str(tmp_path))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load("mnist", size=32).shape == (1, 32, 32)
