"""Observables read off networks: the right layers, the right patterns, and nothing of the model changed."""

import math

import numpy as np
import pytest
import torch
import xarray as xr
from sklearn.decomposition import PCA
from torch import nn

import lib
from lib.data.recording import Epoch, Recording
from lib.measures.patterns import pattern_entropy
from lib.models.resnet import ResNet
from lib.probing import OBSERVABLES, activation_sites, probe, probe_recording, read_patterns

MLP_LAYERS = ["1", "3"]


@pytest.fixture
def mlp():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 2))


@pytest.fixture
def inputs():
    return torch.randn(600, 6, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def conv():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 3, 3, padding=1),
        nn.BatchNorm2d(3),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(3, 4, 1),
        nn.ReLU(),
    )


@pytest.fixture
def images():
    return torch.randn(40, 1, 8, 8, generator=torch.Generator().manual_seed(1))


def test_it_is_what_the_library_offers(mlp, inputs):
    assert lib.probe is probe
    with pytest.raises(AttributeError, match="no attribute 'prob'"):
        lib.prob  # noqa: B018


def test_a_multilayer_perceptron_has_the_patterns_of_its_pre_activations(mlp, inputs):
    found = probe(mlp, inputs, method="plugin")
    first = mlp[0](inputs) >= 0
    second = mlp[2](mlp[1](mlp[0](inputs))) >= 0
    for layer, on in zip(MLP_LAYERS, (first, second), strict=True):
        direct = pattern_entropy(on, "plugin")
        here = found.sel(layer=layer)
        assert here["complexity"] == pytest.approx(direct.bits)
        assert here["complexity_error"] == pytest.approx(direct.standard_error)
        assert here["linearity"] == pytest.approx(float(on.double().mean()))
        assert here["independent_bits"] == pytest.approx(direct.independent_bits)
        assert here["normalized_total_correlation"] == pytest.approx(direct.normalized_total_correlation)
        assert here["complexity_per_unit"] == pytest.approx(direct.bits / on.shape[1])
    assert found["additive_complexity"] == pytest.approx(float(found["complexity"].sum()))
    assert all("units" in found[name].attrs and "long_name" in found[name].attrs for name in found.data_vars)


def test_the_effective_dimension_is_that_of_the_outputs(mlp, inputs):
    found = probe(mlp, inputs, observables=["effective_dimension"])
    with torch.no_grad():
        ratios = PCA().fit(mlp[1](mlp[0](inputs)).double().numpy()).explained_variance_ratio_
    assert found["effective_dimension"].sel(layer="1") == pytest.approx(
        math.exp(-(ratios * np.log(ratios)).sum()), rel=1e-6
    )
    assert "complexity" not in found


def test_the_covariance_is_that_of_the_outputs(mlp, inputs):
    found = probe(mlp, inputs, observables=("covariance",))
    layers = [str(layer) for layer in found["layer"].values]
    for number, layer in enumerate(layers):
        with torch.no_grad():
            outputs = mlp[: int(layer) + 1](inputs).double().numpy()
        units = outputs.shape[1]
        covariance = found["covariance"].values[number]
        np.testing.assert_allclose(covariance[:units, :units], np.cov(outputs.T, bias=True), atol=1e-6)
        assert np.isnan(covariance[units:]).all()


def test_patterns_that_are_read_are_those_that_are_probed(conv, images):
    found = read_patterns(conv, images, patches=3, seed=4)
    probed = probe(conv, images, observables=("complexity", "linearity"), method="plugin", patches=3, seed=4)
    assert list(found) == list(probed["layer"].values)
    for name, patterns in found.items():
        one = probed.sel(layer=name)
        estimate = pattern_entropy(patterns.packed, "plugin", units=patterns.units, groups=patterns.groups)
        assert estimate.bits == pytest.approx(float(one["complexity"]))
        assert estimate.linearity == pytest.approx(float(one["linearity"]))
        assert estimate.groups == len(images)


def test_joint_complexity_is_that_of_all_layers_together(mlp, inputs):
    found = probe(mlp, inputs, observables=["joint_complexity", "complexity"], method="plugin")
    both = torch.cat([mlp[0](inputs), mlp[2](mlp[1](mlp[0](inputs)))], 1) >= 0
    assert found["joint_complexity"] == pytest.approx(pattern_entropy(both, "plugin").bits)
    assert found["complexity"].max() <= found["joint_complexity"] <= found["additive_complexity"]


def test_a_batch_and_a_loader_give_the_same(mlp, inputs):
    whole = probe(mlp, inputs, method="plugin", batch=600)
    labels = torch.zeros(600)
    for data in (inputs.split(77), zip(inputs.split(100), labels.split(100), strict=True)):
        np.testing.assert_allclose(probe(mlp, data, method="plugin").to_array(), whole.to_array())


def test_an_image_gives_a_pattern_a_pixel(conv, images):
    found = probe(conv, images, method="plugin")
    assert found["units"].values.tolist() == [3, 4]
    assert found["patterns"].values.tolist() == [40 * 64, 40 * 16]
    with torch.no_grad():
        conv.eval()
        table = conv[1](conv[0](images)).permute(0, 2, 3, 1).reshape(-1, 3) >= 0
    direct = pattern_entropy(table, "plugin", groups=np.repeat(np.arange(40), 64))
    assert found["complexity"].sel(layer="2") == pytest.approx(direct.bits)
    assert found["complexity_error"].sel(layer="2") == pytest.approx(direct.standard_error)


def test_patches_of_an_image_are_kept_in_one_fold(conv, images):
    """Copies of one patch in an image can be told apart only by who leaks: grouped folds do not."""
    same = images[:, :, :1, :1].expand(-1, -1, 8, 8).contiguous()
    model = nn.Sequential(nn.Conv2d(1, 8, 1), nn.ReLU())
    found = probe(model, same, method="logistic")
    groups = np.repeat(np.arange(40), 64)
    with torch.no_grad():
        table = model[0](same).permute(0, 2, 3, 1).reshape(-1, 8) >= 0
    assert found["complexity"] == pytest.approx(pattern_entropy(table, "logistic", groups=groups).bits)


def test_patches_are_drawn_for_each_image_and_again_the_same(conv, images):
    found = probe(conv, images, patches=5, method="plugin", seed=3)
    assert found["patterns"].values.tolist() == [200, 200]
    xr.testing.assert_allclose(found, probe(conv, images.split(7), patches=5, method="plugin", seed=3))
    assert not found["complexity"].equals(probe(conv, images, patches=5, method="plugin", seed=4)["complexity"])
    assert probe(conv, images, patches=100, method="plugin")["patterns"].values.tolist() == [40 * 64, 40 * 16]


def test_one_pixel_of_every_image(conv, images):
    found = probe(conv, images, layers=["5"], pixel=(1, 2), method="plugin")
    with torch.no_grad():
        conv.eval()
        table = conv[4](conv[3](conv[2](conv[1](conv[0](images)))))[:, :, 1, 2] >= 0
    assert found["patterns"].item() == 40
    assert found["complexity"] == pytest.approx(pattern_entropy(table, "plugin").bits)


def test_a_class_and_a_mask_of_pixels(conv, images):
    chosen = torch.arange(40) % 4 == 0
    some = probe(conv, images, where=chosen, method="plugin")
    alone = probe(conv, images[chosen], method="plugin")
    np.testing.assert_allclose(some["complexity"], alone["complexity"])
    np.testing.assert_allclose(some["effective_dimension"], alone["effective_dimension"])
    mask = torch.zeros(40, 8, 8, dtype=torch.bool)
    mask[:, 0, 0] = True  # one pixel, and in the layer of half the resolution the one above it
    assert probe(conv, images, where=mask, method="plugin")["patterns"].values.tolist() == [40, 40]


def test_the_model_is_left_as_it_was(conv, images):
    conv.train()
    conv[1].eval()
    before = {name: value.clone() for name, value in conv.state_dict().items()}
    probe(conv, images, method="plugin")
    assert [conv.training, conv[0].training, conv[1].training] == [True, True, False]
    assert all(torch.equal(value, before[name]) for name, value in conv.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in conv.modules())


def test_hooks_go_after_an_error_too(conv, images):
    conv.train()
    with pytest.raises(RuntimeError):
        probe(conv, [images, torch.randn(3, 2, 8, 8)], method="plugin")
    with pytest.raises(ValueError, match="nan or infinite"):
        probe(conv, images * math.nan, method="plugin")
    assert conv.training
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in conv.modules())


def test_in_residual_cells_the_relu_after_the_summation_is_read():
    resnet = ResNet(20)
    names = [site.name for site in activation_sites(resnet, torch.zeros(1, 3, 32, 32))]
    assert names == ["relu", *(f"layer{block}.{cell}.relu" for block in (1, 2, 3) for cell in range(3))]
    resnet.layer1[0].relu1.register_forward_hook(lambda *_: None)
    found = probe(resnet, torch.randn(2, 3, 32, 32), patches=3, method="plugin")
    assert found["units"].values.tolist() == [16, 16, 16, 16, 32, 32, 32, 64, 64, 64]


def test_a_relu_that_a_cell_uses_twice_is_read_the_second_time():
    from torchvision.models import resnet18

    model = resnet18(weights=None)
    sites = activation_sites(model, torch.zeros(1, 3, 32, 32))
    assert [(site.name, site.call) for site in sites[:2]] == [("relu", 0), ("layer1.0.relu", 1)]
    assert len(sites) == 9
    one = probe(model, torch.randn(2, 3, 32, 32), layers=["layer1.0.relu[0]", "layer1.0.relu[1]"], method="plugin")
    assert one["linearity"].sel(layer="layer1.0.relu[1]") > one["linearity"].sel(layer="layer1.0.relu[0]")


def test_a_relu_used_many_times_without_a_sum_is_read_each_time():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second, self.act = nn.Linear(3, 4), nn.Linear(4, 5), nn.ReLU()

        def forward(self, x):
            return self.act(self.second(self.act(self.first(x))))

    found = probe(Twice(), torch.randn(50, 3), method="plugin")
    assert list(found["layer"].values) == ["act[0]", "act[1]"]
    assert found["units"].values.tolist() == [4, 5]


def test_the_three_regimes_of_a_sigmoid():
    model = nn.Sequential(nn.Identity(), nn.Sigmoid())
    x = torch.tensor([[-5.0, 0.0], [0.0, 0.0], [5.0, 0.0], [1.0, 9.0]])
    found = probe(model, x, layers=["1"], threshold=(-2, 2), method="plugin")
    assert found["complexity"].item() == pytest.approx(2.0)  # four different patterns of regimes
    assert found["independent_bits"].item() == pytest.approx(1.5 + 2 - 0.75 * math.log2(3))
    assert found["linearity"].item() == pytest.approx((0.5 + 0.75) / 2)
    assert found["complexity_per_unit"].item() == pytest.approx(1.0)


def test_tokens_have_their_units_last():
    model = nn.Sequential(nn.Linear(6, 5), nn.ReLU())
    found = probe(model, torch.randn(10, 7, 6), method="plugin")
    assert found["units"].item() == 5
    assert found["patterns"].item() == 70


def test_a_bound_for_every_layer_at_once(mlp, inputs):
    found = probe(mlp, inputs)
    plugin = probe(mlp, inputs, method="plugin")
    assert (found["complexity"] <= found["independent_bits"] + 2 * found["complexity_error"]).all()
    assert (found["complexity"] >= plugin["complexity"] - 3 * found["complexity_error"]).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"observables": ["depth"]}, f"Unknown observable 'depth': choose from {', '.join(OBSERVABLES)}"),
        ({"layers": ["9"]}, "no module '9'"),
        ({"layers": []}, "No layers are named"),
        ({"layers": ["1[3]"]}, "never called '1\\[3\\]'"),
        ({"threshold": (1.0, 0.0)}, "part no range"),
        ({"threshold": math.nan}, "part no range"),
        ({"patches": 0}, "0 patches an image"),
        ({"pixel": (0, 0)}, "has no pixel"),
        ({"where": torch.zeros(600, dtype=torch.bool)}, "is left to read"),
        ({"where": torch.zeros(3, dtype=torch.bool)}, "fits no data"),
        ({"method": "magic"}, "Unknown method 'magic'"),
    ],
)
def test_bad_settings_are_refused(mlp, inputs, settings, message):
    with pytest.raises(ValueError, match=message):
        probe(mlp, inputs, **settings)


class Functional(nn.Module):
    """Calls its rectifier as a function, as torchvision's GoogLeNet does."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(6, 4), nn.Linear(4, 2)

    def forward(self, x):
        return self.second(nn.functional.relu(self.first(x)))


def test_what_has_no_layers_or_no_data_is_refused(conv, images, inputs):
    with pytest.raises(ValueError, match=r"uses no nn\.ReLU"):
        probe(nn.Linear(6, 2), inputs)
    with pytest.raises(ValueError, match=r"functions, such as F\.relu, .* put modules in their place"):
        probe(Functional(), inputs)
    with pytest.raises(ValueError, match="no data"):
        probe(nn.Linear(6, 2), [])
    with pytest.raises(ValueError, match="64 patterns a sample"):
        probe(conv, images, observables=["joint_complexity"], method="plugin")
    with pytest.raises(ValueError, match="has no pixel \\(9, 0\\)"):
        probe(conv, images, pixel=(9, 0), method="plugin")
    with pytest.raises(ValueError, match="have no units"):
        probe(nn.Sequential(nn.Flatten(0), nn.ReLU()), images, method="plugin")
    tokens = nn.Sequential(nn.Linear(6, 5), nn.ReLU())
    with pytest.raises(ValueError, match="mask of pixels does not fit"):
        probe(tokens, torch.randn(4, 7, 6), where=torch.ones(4, 7, 6, dtype=torch.bool), method="plugin")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_on_a_gpu_as_on_the_cpu(conv, images):
    here = probe(conv, images, method="plugin")
    there = probe(conv.cuda(), images, method="plugin")
    np.testing.assert_allclose(there["complexity"], here["complexity"], rtol=1e-3)


def test_rectifiers_of_other_kinds_are_found_and_tokens_are_positions():
    torch.manual_seed(0)
    block = nn.Sequential(nn.Linear(6, 12), nn.GELU(), nn.Linear(12, 6), nn.SiLU())
    found = probe(block, torch.randn(30, 5, 6), method="plugin")
    assert found["layer"].values.tolist() == ["1", "3"]
    assert found["units"].values.tolist() == [12, 6]
    assert found["patterns"].values.tolist() == [150, 150]


def test_a_recording_is_read_as_a_layer_is():
    draw = np.random.default_rng(0)
    signal = draw.random((600, 1)) < 0.1
    together = (draw.random((600, 5)) < np.where(signal, 0.8, 0.02)).T  # neurons that share an input
    alone = (draw.random((600, 5)) < 0.1).T
    epochs = (Epoch("together", 0, 600), Epoch("alone", 600, 1_200))
    recording = Recording(np.concatenate([together, alone], 1), 0.1, epochs, "made up")
    found = probe_recording(recording)
    assert found["stimulus"].values.tolist() == ["together", "alone"]
    gain, error = found["gain"].values, found["gain_error"].values
    assert gain[0] > 5 * error[0]
    assert gain[1] < 3 * error[1]
    assert abs(found["shifted_gain"].values[0]) < gain[0] / 5
    assert found["effective_dimension"].values[0] < 4 < found["shifted_effective_dimension"].values[0]
    assert probe_recording(recording, ["alone"], method="autoregressive")["gain"].item() < 0.1
    with pytest.raises(ValueError, match="noise"):
        probe_recording(recording, ["noise"])
