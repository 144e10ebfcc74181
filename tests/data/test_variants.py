"""Coloured and torn pictures, random crops, and the tasks made of them."""

from dataclasses import replace

import pytest
import torch

from lib import data
from lib.data.crops import crops, windows
from lib.data.image_tasks import TASKS, load_task, objects
from lib.data.variants import coloured, mended, placed, torn


@pytest.fixture
def grey():
    """Return images with ink in every row and column, and paper here and there."""
    images = torch.randint(0, 256, (40, 1, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    images[:, :, 5:9, 5:9] = 0
    images[:, :, 0, :] = images[:, :, :, 0] = 200
    return images


@pytest.fixture
def pictures():
    return torch.randint(0, 256, (6, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


# -- coloured ---------------------------------------------------------------------------------------------------------


def test_each_image_is_somewhere_whole(grey):
    found = placed(grey, seed=3)
    corners = set()
    for image, larger in zip(grey[:, 0], found[:, 0], strict=True):
        top, left = ((larger > 0).any(1).nonzero()[0].item(), (larger > 0).any(0).nonzero()[0].item())
        assert torch.equal(larger[top : top + 28, left : left + 28], image)
        assert int(larger.sum()) == int(image.sum())
        corners.add((top, left))
    assert len(corners) > 10  # of 25
    assert min(min(corner) for corner in corners) == 0
    assert max(max(corner) for corner in corners) == 4


def test_noise_is_on_the_object_only(grey):
    found, ink = coloured(grey, seed=3), placed(grey, seed=3)
    assert found.shape == (40, 3, 32, 32)
    assert found.dtype == torch.uint8
    paper = (ink == 0).expand_as(found)
    assert not found[paper].any()
    plain = coloured(grey, seed=3, noise=0.0)
    assert not torch.equal(found, plain)
    assert (found.int() - plain.int())[~paper].float().std() > 5


def test_without_noise_colour_is_ink_times_a_constant(grey):
    found, ink = coloured(grey, seed=3, noise=0.0).double(), placed(grey, seed=3).double()
    full = ink[:, 0].flatten(1).argmax(1)
    colour = found.flatten(2)[torch.arange(40), :, full] / ink.flatten(1)[torch.arange(40), full, None]
    assert torch.allclose(colour.amax(1), torch.ones(40, dtype=torch.float64))
    assert len({tuple(each.tolist()) for each in colour}) == 40
    assert (found - ink * colour[:, :, None, None]).abs().max() <= 1.0  # rounded twice


def test_the_seed_decides_pictures(grey):
    assert torch.equal(coloured(grey, seed=1), coloured(grey, seed=1))
    assert not torch.equal(coloured(grey, seed=1), coloured(grey, seed=2))


def test_pictures_that_cannot_be_made_are_refused(grey, pictures):
    with pytest.raises(ValueError, match="28 x 28 pixels do not fit into 20 x 20"):
        placed(grey, seed=0, size=20)
    with pytest.raises(ValueError, match=r"Noise -0.1 on 1 channels"):
        coloured(grey, seed=0, noise=-0.1)
    with pytest.raises(ValueError, match="on 3 channels gives no colours"):
        coloured(pictures, seed=0)


# -- torn -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("grid", [1, 4, 8])
def test_torn_pictures_keep_their_pixels_and_can_be_mended(pictures, grid):
    found = torn(pictures, seed=5, grid=grid)
    assert torch.equal(mended(found, seed=5, grid=grid), pictures)
    colours = pictures.flatten(2).transpose(1, 2).tolist()
    for picture, before in zip(found.flatten(2).transpose(1, 2).tolist(), colours, strict=True):
        assert sorted(picture) == sorted(before)


@pytest.mark.parametrize("grid", [4, 8])
def test_every_piece_is_a_turned_piece_of_the_picture(grid):
    """Against a loop over pieces."""
    side = 32 // grid
    picture = torch.arange(32 * 32).view(1, 1, 32, 32)

    def pieces(image):
        return [piece for row in image[0, 0].split(side, 0) for piece in row.split(side, 1)]

    turns, sources = set(), []
    for piece in pieces(torn(picture, seed=0, grid=grid)):
        found = [
            (number, k)
            for number, source in enumerate(pieces(picture))
            for k in range(4)
            if torch.equal(source.rot90(k), piece)
        ]
        assert len(found) == 1
        sources.append(found[0][0])
        turns.add(found[0][1])
    assert sorted(sources) == list(range(grid * grid))
    assert sources != sorted(sources)
    assert turns == {0, 1, 2, 3}


def test_all_pictures_and_channels_are_torn_alike(pictures):
    found = torn(pictures, seed=5)
    assert torch.equal(torn(pictures[2:3, 1:2], seed=5), found[2:3, 1:2])
    assert not torch.equal(torn(pictures, seed=6), found)


@pytest.mark.parametrize(("shape", "grid"), [((1, 3, 32, 32), 5), ((1, 3, 32, 16), 4), ((1, 3, 32, 32), 0)])
def test_pictures_that_cannot_be_torn_are_refused(shape, grid):
    with pytest.raises(ValueError, match=f"cannot be cut into {grid} x {grid} equal squares"):
        torn(torch.zeros(shape), seed=0, grid=grid)


# -- crops ------------------------------------------------------------------------------------------------------------


def test_windows_are_those_of_a_loop(pictures):
    top, left = torch.tensor([0, 3, 5, 1, 2, 4]), torch.tensor([1, 0, 2, 6, 3, 5])
    mirrored = torch.tensor([True, False, True, False, False, True])
    found = windows(pictures, top, left, 20, mirrored)
    for number, window in enumerate(found):
        expected = pictures[number, :, top[number] : top[number] + 20, left[number] : left[number] + 20]
        assert torch.equal(window, expected.flip(2) if mirrored[number] else expected)


def test_crops_are_shifts_filled_with_black(pictures):
    found = crops(pictures, torch.Generator().manual_seed(0), padding=2, mirror=True)
    wide = torch.nn.functional.pad(pictures, (2, 2, 2, 2))
    shifts = set()
    for number, crop in enumerate(found):
        fitting = [
            (row, column, turn)
            for row in range(5)
            for column in range(5)
            for turn in (False, True)
            if torch.equal(crop.flip(2) if turn else crop, wide[number, :, row : row + 32, column : column + 32])
        ]
        assert len(fitting) == 1
        shifts.add(fitting[0])
    assert len({turn for *_, turn in shifts}) == 2
    assert len(shifts) > 1


def test_no_crop_is_mirrored_unless_asked_for():
    right_half = torch.zeros(200, 1, 32, 32, dtype=torch.uint8)
    right_half[..., 16:] = 1
    assert not crops(right_half, torch.Generator().manual_seed(0))[..., :10].any()
    turned = crops(right_half, torch.Generator().manual_seed(0), mirror=True)[..., 16, 8] > 0
    assert 60 < int(turned.sum()) < 140


# -- tasks ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["CDigits", "CDigits_T8", "CDigits, random labels"])
def test_tasks_of_digits_are_pictures_with_labels(name):
    task = load_task(name)
    assert task.name == name
    assert task.shape == (3, 32, 32)
    assert (task.n_train, task.n_test) == (1437, 360)
    assert torch.equal(load_task(name).x_test, task.x_test)
    assert not torch.equal(load_task(name, seed=1).x_test, task.x_test)
    assert not TASKS[name].mirror


def test_torn_tasks_are_the_others_torn():
    whole, pieces = load_task("CDigits", seed=2), load_task("CDigits_T8", seed=2)
    assert torch.equal(torn(whole.x_train, seed=2), pieces.x_train)
    assert torch.equal(torn(whole.x_test, seed=2), pieces.x_test)


def test_random_labels_are_as_many_of_each_class_and_of_train_pictures_only():
    true, random = load_task("CDigits"), load_task("CDigits, random labels")
    assert torch.equal(true.x_train, random.x_train)
    assert torch.equal(true.y_train.bincount(), random.y_train.bincount())
    assert (true.y_train != random.y_train).double().mean() == pytest.approx(0.9, abs=0.03)
    assert torch.equal(true.y_test, random.y_test)


def test_true_labels_are_those_that_random_ones_were_made_of():
    true, plain = load_task("CDigits, true labels"), load_task("CDigits")
    assert torch.equal(true.y_train, plain.y_train)
    assert torch.equal(true.x_train, load_task("CDigits, random labels").x_train)


def test_controls_have_finer_pieces_or_fewer_classes(monkeypatch):
    digits = replace(TASKS["CDigits"], classes=2)
    monkeypatch.setitem(TASKS, "two", digits)
    monkeypatch.setitem(TASKS, "torn", replace(TASKS["CDigits"], pieces=8))
    two, whole = load_task("two"), load_task("CDigits")
    assert two.classes == whole.classes[:2]
    for part in ("train", "test"):
        kept = getattr(whole, f"y_{part}") < 2
        assert torch.equal(getattr(two, f"y_{part}"), getattr(whole, f"y_{part}")[kept])
        assert len(getattr(two, f"x_{part}")) == int(kept.sum()) > 50
    assert torch.equal(load_task("torn").x_test, torn(whole.x_test, 0, 8))
    assert [TASKS[f"CIFAR-10, {number} classes"].classes for number in (2, 5)] == [2, 5]
    assert TASKS["CIFAR-10, 64 pieces"].pieces == 8


@pytest.mark.parametrize("name", ["CDigits", "CDigits_T8"])
@pytest.mark.parametrize("part", ["train", "test"])
def test_outside_of_objects_all_is_black(name, part):
    task, mask = load_task(name), objects(name, part)
    pictures = task.x_train if part == "train" else task.x_test
    assert mask.shape == (len(pictures), 32, 32)
    assert not pictures.movedim(1, -1)[~mask].any()
    lit = (pictures > 0).any(1)
    assert (lit & mask).sum() / mask.sum() > 0.9  # but for ink so faint that it is rounded away
    assert 0.05 < mask.double().mean() < 0.6


def test_photographs_have_no_background():
    assert objects("CIFAR-10") is None
    mirrored = ["CIFAR-10", "CIFAR-100", *(f"CIFAR-10, {what}" for what in ("random labels", "true labels"))]
    mirrored += ["CIFAR-10, 2 classes", "CIFAR-10, 5 classes"]
    assert [name for name, task in TASKS.items() if task.mirror] == mirrored


def test_all_tasks_name_image_sets():
    assert {task.dataset for task in TASKS.values()} == set(data.NAMES)
    assert sum(name.endswith("_T8") for name in TASKS) == 6


def test_unknown_tasks_get_one_sentence():
    with pytest.raises(ValueError, match="did you mean 'CDigits'"):
        load_task("Digits")
    with pytest.raises(ValueError, match="choose one of CMNIST"):
        objects("zebra")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_gpu_makes_the_same_pictures(grey):
    assert torch.equal(torn(coloured(grey.cuda(), seed=0), seed=0).cpu(), torn(coloured(grey, seed=0), seed=0))


def test_pixels_from_0_to_1_are_not_taken_for_those_to_255():
    with pytest.raises(ValueError, match="must be uint8"):
        coloured(torch.ones(2, 1, 28, 28), seed=0)
