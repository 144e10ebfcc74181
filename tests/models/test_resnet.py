"""The residual networks of text J: their size, their shortcuts, and how trained weights are found."""

import pytest
import torch
from safetensors.torch import save_file

from lib.models import resnet
from lib.models.resnet import DEPTHS, Cell, ResNet, checksum, published, scaled, untrained

PARAMETERS = {20: 269_722, 32: 464_154, 44: 658_586, 56: 853_018}
"""As published with the trained weights."""


@pytest.mark.parametrize("depth", DEPTHS)
def test_it_has_as_many_parameters_as_published(depth):
    assert sum(parameter.numel() for parameter in ResNet(depth).parameters()) == PARAMETERS[depth]


def test_its_blocks_have_the_channels_and_resolutions_of_the_text():
    model, shapes = ResNet(56), []
    for block in (model.layer1, model.layer2, model.layer3):
        assert len(block) == 9
        block.register_forward_hook(lambda module, inputs, output: shapes.append(tuple(output.shape[1:])))
    assert model(torch.randn(2, 3, 32, 32)).shape == (2, 10)
    assert shapes == [(16, 32, 32), (32, 16, 16), (64, 8, 8)]
    assert ResNet(20, classes=100)(torch.randn(1, 3, 32, 32)).shape == (1, 100)


def test_a_cell_adds_its_input_before_the_second_relu():
    cell = Cell(4, 4, stride=1).eval()
    torch.nn.init.zeros_(cell.conv2.weight)
    x = torch.randn(2, 4, 6, 6)
    torch.testing.assert_close(cell(x), x.relu())


def test_a_shortcut_between_blocks_skips_pixels_and_adds_empty_channels():
    cell = Cell(4, 8, stride=2).eval()
    torch.nn.init.zeros_(cell.conv2.weight)
    x = torch.rand(2, 4, 6, 6)
    y = cell(x)
    torch.testing.assert_close(y[:, 2:6], x[:, :, ::2, ::2])
    assert not y[:, :2].any()
    assert not y[:, 6:].any()


@pytest.mark.parametrize("depth", [0, 8 - 6, 21])
def test_other_depths_are_refused(depth):
    with pytest.raises(ValueError, match=f"No CIFAR ResNet has {depth} layers"):
        ResNet(depth)


def test_pixels_are_scaled_as_the_published_networks_expect():
    images = torch.randint(0, 256, (4, 3, 5, 5), dtype=torch.uint8)
    x = scaled(images)
    assert x.dtype == torch.float32
    torch.testing.assert_close(x[:, 1], (images[:, 1] / 255 - 0.456) / 0.224)


@pytest.fixture
def publish(monkeypatch):
    """Put the weights of a network where published ones are looked for, as if they were those of that depth."""

    def put(model, depth, folder):
        save_file(model.state_dict(), folder / f"resnet{depth}.safetensors")
        monkeypatch.setitem(resnet.SUMS, depth, checksum(model))

    return put


@pytest.mark.parametrize("folder", ["", "resnet_cifar10"])
def test_published_weights_are_found_in_the_data_folders(folder, tmp_path, monkeypatch, publish):
    (tmp_path / folder).mkdir(exist_ok=True)
    model = ResNet(20)
    publish(model, 20, tmp_path / folder)
    monkeypatch.setenv("BOOK_DATA", f"{tmp_path / '..'}:{tmp_path}")
    found = published(20)
    assert not found.training
    assert all(torch.equal(value, found.state_dict()[name]) for name, value in model.state_dict().items())


def test_data_folders_are_read_as_everywhere(tmp_path, monkeypatch, publish):
    publish(ResNet(20), 20, tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("BOOK_DATA", "~")
    assert isinstance(published(20), ResNet)
    monkeypatch.setenv("BOOK_DATA", "~/no/such/folder")
    with pytest.raises(FileNotFoundError, match="no/such/folder', which is no folder"):
        published(20)


def test_pixels_of_another_type_are_refused():
    with pytest.raises(ValueError, match="must be uint8"):
        scaled(torch.ones(1, 3, 2, 2))


def test_missing_damaged_and_other_weights_are_named(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="No trained ResNet-26 was published"):
        published(26)
    monkeypatch.delenv("BOOK_DATA", raising=False)
    with pytest.raises(FileNotFoundError, match="BOOK_DATA is not set"):
        published(56)
    monkeypatch.setenv("BOOK_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=f"looked in {tmp_path}"):
        published(56)
    (tmp_path / "resnet56.safetensors").write_bytes(b"no weights")
    with pytest.raises(OSError, match="fetch it anew"):
        published(56)
    save_file(ResNet(20).state_dict(), tmp_path / "resnet32.safetensors")
    with pytest.raises(OSError, match="does not hold the weights of a ResNet-32"):
        published(32)
    save_file(ResNet(20).state_dict(), tmp_path / "resnet20.safetensors")
    with pytest.raises(OSError, match=r"not hold the published weights of ResNet-20, but others: .*load_weights\.$"):
        published(20)


def test_one_weight_makes_another_sum_and_counts_of_batches_do_not():
    model = untrained(20, 0)
    before = checksum(model)
    model.bn1.num_batches_tracked += 1
    assert checksum(model) == before
    model.bn1.running_mean[3] += 1e-7
    assert checksum(model) != before
    assert set(resnet.SUMS) == set(DEPTHS)


def test_an_untrained_network_depends_on_its_seed_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    one, same, other = untrained(20, 0), untrained(20, 0), untrained(20, 1, classes=7)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one.linear.weight, same.linear.weight)
    assert not torch.equal(one.conv1.weight, other.conv1.weight)
    assert other.linear.out_features == 7
    assert not one.training
