"""Weights from files of other people: found wherever they stand, and nothing executed."""

import pickle
import random

import pytest
import torch
from safetensors.torch import save_file

from lib.checkpoints import load_weights

STATE = {"fc.weight": torch.arange(6.0).reshape(2, 3), "fc.bias": torch.zeros(2)}


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".bin", ".ckpt", ".safetensors"])
def test_a_state_dict_is_read_as_it_is(tmp_path, suffix):
    path = tmp_path / f"päth with spaces{suffix}"
    save_file(STATE, path) if suffix == ".safetensors" else torch.save(STATE, path)
    found = load_weights(path)
    assert sorted(found) == sorted(STATE)
    assert all(torch.equal(found[name], value) for name, value in STATE.items())


@pytest.mark.parametrize("key", ["state_dict", "model_state_dict", "model"])
@pytest.mark.parametrize("wrapper", ["module.", "_orig_mod.", "_orig_mod.module.", "module._orig_mod.", ""])
def test_it_is_found_inside_a_checkpoint_and_under_wrappers(tmp_path, key, wrapper):
    inner = {wrapper + name: value for name, value in STATE.items()}
    torch.save({"epoch": 3, "optimizer": {"state": {0: torch.ones(1)}}, key: inner}, tmp_path / "c.ckpt")
    assert list(load_weights(tmp_path / "c.ckpt")) == list(STATE)


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_nothing_is_executed(tmp_path, suffix):
    path, left = tmp_path / f"trap{suffix}", tmp_path / "executed"
    path.write_bytes(pickle.dumps({"fc.weight": Trap(left)}))
    with pytest.raises(ValueError, match="damaged"):
        load_weights(path)
    torch.save({"fc.weight": Trap(left)}, path)
    with pytest.raises(ValueError, match="damaged"):
        load_weights(path)
    assert not left.exists()


def test_what_holds_no_weights_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no file"):
        load_weights(tmp_path / "none.pt")
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(ValueError, match=r"no file of weights: give one whose name ends in \.safetensors"):
        load_weights(tmp_path / "notes.txt")
    (tmp_path / "folder.pt").mkdir()
    with pytest.raises(ValueError, match="no file of weights"):
        load_weights(tmp_path / "folder.pt")
    for content in ({}, {"epoch": 3}, torch.zeros(3), [1, 2]):
        torch.save(content, tmp_path / "empty.pt")
        with pytest.raises(ValueError, match="holds no tensors"):
            load_weights(tmp_path / "empty.pt")


def refusal(path):
    """Return what is said of a file that is refused, and nothing of one that is read."""
    try:
        load_weights(path)
    except ValueError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_damage_anywhere_is_one_sentence_or_harmless(tmp_path, suffix):
    whole = tmp_path / f"whole{suffix}"
    save_file(STATE, whole) if suffix == ".safetensors" else torch.save(STATE, whole)
    data, draw, path = whole.read_bytes(), random.Random(0), tmp_path / f"damaged{suffix}"
    refused = 0
    for number in range(150):
        damaged = bytearray(data)
        if number % 2:
            del damaged[draw.randrange(len(damaged)) :]
        else:
            damaged[draw.randrange(len(damaged))] ^= 1 << draw.randrange(8)
        path.write_bytes(damaged)
        message = refusal(path)
        refused += bool(message)
        assert len(message.splitlines()) <= 1
    assert refused >= 75, "no file that ends too early is whole"


def test_a_header_that_promises_too_much_is_refused(tmp_path):
    path = tmp_path / "huge.safetensors"
    path.write_bytes((2**60).to_bytes(8, "little") + b"{}")
    with pytest.raises(ValueError, match="damaged"):
        load_weights(path)
