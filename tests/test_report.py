"""Reports: on networks, checkpoints and recordings, whole or not at all."""

import base64
import re
from functools import partial

import numpy as np
import pytest
import torch
from bs4 import BeautifulSoup
from safetensors.torch import save_file
from torch import nn
from torchvision.models import VisionTransformer, resnet18

from lib.__main__ import main
from lib.measures.patterns import Budget
from lib.measures.weights import weight_plane
from lib.probing import probe
from lib.report import Section, layers_section, read_inputs, report_files, write_report


def save(path, seed=0):
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(20, 30), nn.ReLU(), nn.Linear(30, 4))
    save_file(model.state_dict(), path) if path.suffix == ".safetensors" else torch.save(model.state_dict(), path)
    return model


def page_of(path):
    return BeautifulSoup(path.read_text(), "html.parser")


def test_the_command_reports_on_a_checkpoint(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = save(tmp_path / "my model.safetensors")
    assert main(["report", "my model.safetensors"]) == 0
    path = tmp_path / capsys.readouterr().out.strip()
    assert path.name == "my_model-report.html"
    page = page_of(path)
    assert page.h1.text == "my model.safetensors"
    rows = [[cell.text for cell in row.find_all("td")] for row in page.tbody.find_all("tr")]
    assert [row[0] for row in rows] == ["0.weight", "2.weight"]
    plane = weight_plane(model).sel(rule="spread")
    assert rows[0][6] == f"{plane['h'].values[0]:.4f}"
    assert all(image["alt"] for image in page.find_all("img"))
    png = base64.b64decode(re.search("base64,(.*)", page.img["src"])[1])
    assert png.startswith(b"\x89PNG")
    assert not re.findall(r"(?:src|href)=\"(?!data:)", path.read_text()), "it reads without a network"


def test_checkpoints_of_one_training_are_compared(tmp_path):
    files = [tmp_path / f"step-{step}.pt" for step in (0, 100)]
    for seed, file in enumerate(files):
        save(file, seed)
    page = page_of(report_files(files, tmp_path / "report.html"))
    assert [section.h2.text for section in page.find_all("section")] == [
        "From checkpoint to checkpoint",
        "Weights of step-0.pt",
        "Weights of step-100.pt",
    ]


def test_a_recording_is_reported_by_stimulus(tmp_path):
    draw, bins = np.random.default_rng(0), 2_000
    np.savez(
        tmp_path / "session.npz",
        raster=draw.random((6, bins)) < 0.05,
        frame_rate_hz=30.0,
        epoch_name=np.array(["grey", "movie"]),
        epoch_start=np.array([0, 1_000]),
        epoch_end=np.array([1_000, bins]),
        cell_specimen_id=np.arange(6),
    )
    page = page_of(report_files([tmp_path / "session.npz"], tmp_path / "report.html"))
    assert [row.td.text for row in page.tbody.find_all("tr")] == ["grey", "movie"]
    assert "6 neurons" in page.section.p.text


def test_layers_can_be_reported(tmp_path):
    model = save(tmp_path / "model.pt")
    found = probe(model, torch.randn(200, 20), method="independent")
    page = page_of(write_report(tmp_path / "r.html", "Mine", [layers_section(found, "Layers <of> mine")]))
    assert page.h2.text == "Layers <of> mine"
    assert page.tbody.td.text == "1"


def net():
    return nn.Sequential(nn.Linear(20, 30), nn.ReLU(), nn.Linear(30, 4))


def with_an_argument(width):
    return nn.Linear(width, width)


def test_the_command_reads_the_layers_of_a_network_and_of_its_control(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    model = save(tmp_path / "model.pt", seed=5)
    inputs = np.random.default_rng(0).normal(size=(400, 20))
    np.save("inputs.npy", inputs)
    assert main(["report", "model.pt", "--model", f"{__name__}:net", "--inputs", "inputs.npy"]) == 0
    section = page_of(tmp_path / "model-report.html").find_all("section")[1]
    assert section.h2.text == "Layers of model.pt"
    cells = [cell.text for cell in section.tbody.find_all("td")]
    torch.manual_seed(0)
    data = torch.from_numpy(inputs).float()
    expected = [probe(network, data)["complexity"].item() for network in (model, net())]
    heads = [head.text for head in section.thead.find_all("th")]
    found = [float(cells[heads.index(name)]) for name in ("complexity (bits)", "anew: complexity (bits)")]
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert expected[0] != expected[1]


def test_the_command_reads_a_network_of_torchvision(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    small = Budget(hidden=4, steps=2, batch=32)
    monkeypatch.setattr("lib.report.probe", partial(probe, budget=small))
    torch.save(resnet18(weights=None).state_dict(), "model.pt")
    np.save("images.npy", np.random.default_rng(0).normal(size=(3, 3, 32, 32)))
    arguments = ["--model", "torchvision.models:resnet18", "--inputs", "images.npy", "--bins", "64"]
    assert main(["report", "model.pt", *arguments]) == 0
    weights, layers = page_of(tmp_path / "model-report.html").find_all("section")
    assert len(weights.tbody.find_all("tr")) == 21
    names = [row.td.text for row in layers.tbody.find_all("tr")]
    assert names[:2] == ["relu", "layer1.0.relu"]
    assert len(names) == 9
    assert "nan" not in [cell.text for cell in weights.find_all("td")]


def test_matrices_without_a_place_stand_in_the_report_with_the_reason(tmp_path):
    torch.manual_seed(0)
    model = VisionTransformer(16, 8, num_layers=1, num_heads=2, hidden_dim=16, mlp_dim=32, num_classes=3)
    torch.save(model.state_dict(), tmp_path / "vit.pt")
    section = page_of(report_files([tmp_path / "vit.pt"], tmp_path / "r.html", bins=32)).section
    rows = {row.td.text: [cell.text for cell in row.find_all("td")] for row in section.tbody.find_all("tr")}
    assert rows["class_token"] == ["class_token", "16", "0.0000", "–", "1.0000", *"–––––", "all weights are 0"]
    assert rows["conv_proj.weight"][-1] == ""
    assert float(rows["conv_proj.weight"][6]) > 0
    assert "have no place in the plane: 2; the last column says why" in section.p.text
    assert "Every matrix that has a place" in section.figcaption.text


def test_a_checkpoint_that_diverged_stands_beside_those_before(tmp_path):
    model = save(tmp_path / "a.pt")
    torch.nn.init.constant_(model[0].weight, torch.nan)
    torch.nn.init.constant_(model[2].weight, torch.inf)
    torch.save(model.state_dict(), tmp_path / "b.pt")
    files = [tmp_path / "a.pt", tmp_path / "b.pt"]
    page = page_of(report_files(files, tmp_path / "r.html", bins=32, model=net, inputs=torch.randn(50, 20)))
    course, _, _, weights, layers = page.find_all("section")
    assert [row.find_all("td")[2].text for row in course.tbody.find_all("tr")] == ["–", "–"]
    assert [row.find_all("td")[-1].text for row in weights.tbody.find_all("tr")] == ["weights are nan or infinite"] * 2
    assert not weights.find_all("img")
    assert layers.p.text.startswith("Weights are nan or infinite, so the layers could not be read.")
    with pytest.raises(ValueError, match=r"b\.pt: No weight matrix has a place in the plane"):
        report_files(files[1:], tmp_path / "none.html")
    with pytest.raises(ValueError, match="does not take inputs"):
        report_files(files[1:] * 2, tmp_path / "none.html", bins=32, model=net, inputs=torch.randn(50, 3))
    assert not (tmp_path / "none.html").exists()


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (np.zeros((0, 4)), r"holds no value, for its shape is \(0, 4\)"),
        (np.full((2, 4), np.nan), "nan, infinite or too large"),
        (np.full((2, 4), 1e300), "nan, infinite or too large"),
        (np.full((2, 4), 2**63, np.uint64), "nan, infinite or too large"),
        (np.ones((2, 4), bool), "holds no inputs"),
        (np.ones((2, 4), complex), "holds no inputs"),
    ],
)
def test_inputs_that_no_network_takes_get_one_sentence(tmp_path, values, why):
    np.save(tmp_path / "x.npy", values)
    with pytest.raises(ValueError, match=why):
        read_inputs(tmp_path / "x.npy")


def test_a_header_with_a_negative_size_is_damage(tmp_path):
    with (tmp_path / "x.npy").open("wb") as file:
        header = {"descr": "<f8", "fortran_order": False, "shape": (-1, 4)}
        np.lib.format.write_array_header_1_0(file, header)
        file.write(bytes(64))
    with pytest.raises(ValueError, match=r"x\.npy holds no array"):
        read_inputs(tmp_path / "x.npy")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--model", "no_such_module:net", "--inputs", "inputs.npy"], "names nothing that can be imported"),
        (["--model", f"{__name__}:no_such_function", "--inputs", "inputs.npy"], "names nothing that can be imported"),
        (["--model", "net", "--inputs", "inputs.npy"], "names nothing that can be imported"),
        (["--model", f"{__name__}:np", "--inputs", "inputs.npy"], "cannot be called"),
        (["--model", f"{__name__}:with_an_argument", "--inputs", "inputs.npy"], "a function without arguments"),
        (["--model", "builtins:dict", "--inputs", "inputs.npy"], "returns dict"),
        (["--model", "torch.nn:Identity", "--inputs", "inputs.npy"], "do not fit the network"),
        (["--model", f"{__name__}:net", "--inputs", "narrow.npy"], r"inputs of shape (5, 3)"),
        (["--model", f"{__name__}:net", "--inputs", "objects.npy"], "holds no array"),
        (["--model", f"{__name__}:net", "--inputs", "flat.npy"], "holds no inputs"),
        (["--model", f"{__name__}:net", "--inputs", "missing.npy"], "There is no file missing.npy"),
        (["--model", f"{__name__}:net"], "both model and inputs, or neither"),
    ],
)
def test_a_network_that_cannot_be_read_leaves_no_report(tmp_path, monkeypatch, capsys, arguments, why):
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "model.pt")
    arrays = {"inputs": np.zeros((5, 20)), "narrow": np.zeros((5, 3)), "flat": np.zeros(5)}
    for name, values in {**arrays, "objects": np.array([[{}]], dtype=object)}.items():
        np.save(f"{name}.npy", values)
    assert main(["report", "model.pt", *arguments]) == 1
    error = capsys.readouterr().err
    assert why in error
    assert error.count("\n") == 1
    assert not list(tmp_path.glob("*.html"))


def test_a_network_needs_weights(tmp_path):
    with pytest.raises(ValueError, match="no weights for the network"):
        report_files([tmp_path / "session.npz"], tmp_path / "r.html", model=net, inputs=torch.zeros(5, 20))


def test_what_cannot_be_read_leaves_no_report(tmp_path, capsys):
    (tmp_path / "broken.pt").write_bytes(b"no weights")
    good, output = tmp_path / "good.pt", tmp_path / "report.html"
    save(good)
    assert main(["report", str(good), str(tmp_path / "broken.pt"), "--output", str(output)]) == 1
    assert "broken.pt is damaged" in capsys.readouterr().err
    assert not output.exists()
    with pytest.raises(ValueError, match="no file of weights and no recording"):
        report_files([tmp_path / "notes.txt"], output)
    with pytest.raises(ValueError, match="nothing to report"):
        write_report(output, "Nothing", [])
    assert isinstance(Section("a", "b").rows, tuple)
