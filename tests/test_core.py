"""Presets, device, provenance: small things that everything else asks."""

import subprocess

import pytest
import torch

from lib import device, presets, provenance


def test_active_preset_follows_the_environment(monkeypatch):
    monkeypatch.delenv("BOOK_PRESET", raising=False)
    assert presets.active() == "book"
    monkeypatch.setenv("BOOK_PRESET", "paper")
    assert presets.active() == "paper"
    monkeypatch.setenv("BOOK_PRESET", "huge")
    with pytest.raises(ValueError, match="Unknown preset 'huge': choose one of smoke, book, reduced, paper"):
        presets.active()


def test_presets_are_in_order_of_size():
    assert sorted(("paper", "smoke", "reduced", "book"), key=presets.rank) == list(presets.PRESETS)


def test_device_follows_name_then_environment(monkeypatch):
    monkeypatch.setenv("BOOK_DEVICE", "cpu")
    assert device.choose() == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.delenv("BOOK_DEVICE")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert device.choose() == torch.device("cuda")
    assert device.available() == ["cpu", "cuda:0"]
    assert device.choose("cpu") == torch.device("cpu")


@pytest.mark.parametrize(
    ("able", "precision"),
    [({"avx2": True}, "float32"), ({"avx512_bf16": False}, "float32"), ({"amx_bf16": True}, "bfloat16")],
)
def test_half_precision_is_for_processors_that_have_it(able, precision, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    assert device.fast_precision(torch.device("cpu")) is getattr(torch, precision)


def test_missing_device_gets_one_sentence(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(ValueError, match="'cuda' is not on this machine: use one of cpu"):
        device.choose("cuda")
    with pytest.raises(ValueError, match="'abacus' is no device"):
        device.choose("abacus")


def test_cuda_is_named_after_its_card(monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "Test card")
    assert device.describe(torch.device("cuda")) == "CUDA (Test card)"


def test_environment_says_what_a_reader_needs():
    found = provenance.environment()
    assert all(isinstance(value, str) and value for value in found.values())
    assert found["torch"] == torch.__version__.split("+")[0]
    assert found["memory"].endswith("GiB")


def test_missing_packages_and_git_do_not_stop_provenance(monkeypatch):
    monkeypatch.setattr(provenance, "_PACKAGES", ("no-such-package",))
    assert provenance.versions()["no-such-package"] == "not installed"

    def no_git(*arguments, **options):
        raise FileNotFoundError("git")

    monkeypatch.setattr(subprocess, "run", no_git)
    assert provenance.revision.__wrapped__() == "unknown"
