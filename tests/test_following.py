"""Followers: what they see is what one would measure, when they look, and that the loop is as it was."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from lib.bench import stored
from lib.following import Follower
from lib.measures.weights import weight_plane
from lib.probing import probe


def make(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(6, 8), nn.GELU(), nn.Dropout(0.5), nn.Linear(8, 3))


def train(follow=None, steps=40):
    model, draw = make(), torch.Generator().manual_seed(1)
    x = torch.randn(300, 6, generator=draw)
    y = x[:, :3].argmax(1)
    follower = follow(model, x[:100]) if follow else None
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    torch.manual_seed(2)
    for step in range(steps):
        loss = nn.functional.cross_entropy(model(x), y)
        if follower:
            follower(step, loss=loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model, x, follower


def test_it_sees_what_one_would_measure():
    model, x, follow = train(lambda model, x: Follower(model, x, steps=(0, 10, 39), method="plugin"))
    course = follow.course()
    assert course["step"].values.tolist() == [0, 10, 39]
    first = probe(make(), x[:100], method="plugin", patches=4)
    np.testing.assert_array_equal(course["complexity"].sel(step=0), first["complexity"])
    np.testing.assert_array_equal(course["h"].sel(step=0), weight_plane(make(), ("spread",))["h"])
    assert course["loss"].dims == ("step",)
    assert course["loss"][0] > course["loss"][-1]
    follow.look(40)
    last = probe(model, x[:100], method="plugin", patches=4)
    np.testing.assert_array_equal(follow.course()["effective_dimension"].sel(step=40), last["effective_dimension"])


def test_the_network_learns_as_if_nobody_looked():
    followed, alone = (train(f)[0] for f in (lambda model, x: Follower(model, x, steps=(0, 7), method=None), None))
    for one, other in zip(followed.parameters(), alone.parameters(), strict=True):
        assert torch.equal(one, other)
    assert followed.training


def test_by_default_looking_takes_its_share_of_the_time(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("lib.following.time.perf_counter", lambda: clock[0])
    follow = Follower(make(), torch.randn(20, 6), share=0.1, method=None)

    def slow(*arguments, **options):
        clock[0] += 1.0  # a look takes a second
        return probe(*arguments, **options)

    monkeypatch.setattr("lib.following.probe", slow)
    looked = []
    for step in range(4_000):  # a step takes 10 ms: 40 s in all
        if follow(step):
            looked.append(step)
        clock[0] += 0.01
    assert looked[0] == 0
    assert len(looked) == 4, "first, and one for every ten seconds"
    assert follow.seconds == pytest.approx(4)
    assert follow.seconds / clock[0] < 0.1


def test_looks_are_further_apart_the_later_they_are():
    follow = Follower(make(), torch.randn(20, 6), share=0.999, method=None)
    follow._share = float("inf")  # time does not matter
    looked = [step for step in range(200) if follow(step)]
    assert looked[:6] == [0, 1, 2, 3, 4, 5]
    assert all(b / a <= 1.2 for a, b in pairwise(looked[12:]))
    assert len(looked) < 60


def test_what_cannot_be_followed_is_refused():
    model, x = make(), torch.randn(20, 6)
    with pytest.raises(ValueError, match=r"share of 1\.5"):
        Follower(model, x, share=1.5)
    with pytest.raises(ValueError, match=r"Steps \(3, 1\) do not rise"):
        Follower(model, x, steps=(3, 1))
    with pytest.raises(ValueError, match="Nothing was looked at"):
        Follower(model, x).course()


def test_a_matrix_that_dies_does_not_end_the_training():
    model, follow = make(), None
    follow = Follower(model, torch.randn(50, 6), steps=range(3), method="plugin")
    assert follow(0)
    torch.nn.init.zeros_(model[0].weight)
    assert follow(1)
    torch.nn.init.normal_(model[0].weight)
    assert follow(2)
    course = follow.course().sel(rule="spread")
    assert course["note"].values.tolist() == [["", ""], ["all weights are 0", ""], ["", ""]]
    assert np.isnan(course["h"].values).tolist() == [[False, False], [True, False], [False, False]]
    assert course["layers_note"].values.tolist() == ["", "", ""]
    assert np.isfinite(course["complexity"]).all()


@pytest.mark.parametrize("at", [0, 1])
def test_a_training_that_diverges_is_followed_to_its_end(at, tmp_path):
    model = make()
    follow = Follower(model, torch.randn(50, 6), steps=range(3), method="plugin")
    for step in range(3):
        if step == at:
            for weights in (model[0].weight, model[3].weight):
                torch.nn.init.constant_(weights, torch.nan)
        assert follow(step, loss=1.0)
    course = follow.course().sel(rule="spread")
    assert (course["note"].sel(step=slice(at, None)) == "weights are nan or infinite").all()
    assert "activations that are nan or infinite" in course["layers_note"].values[-1]
    assert np.isnan(course["h"].sel(step=slice(at, None))).all()
    assert course["loss"].values.tolist() == [1, 1, 1]
    if at:
        assert course["complexity"].dims == ("step", "layer")
        assert np.isnan(course["complexity"].values[:, 0]).tolist() == [False, True, True]
    course.to_netcdf(tmp_path / "course.nc", engine="h5netcdf")


def test_weights_that_overflow_are_no_end_either_and_wrong_inputs_are_refused():
    model = make()
    for weights in (model[0].weight, model[3].weight):
        torch.nn.init.normal_(weights, 0, 1e38)
    follow = Follower(model, 1e3 * torch.randn(50, 6), steps=(0,), method="plugin")
    assert follow(0)
    assert "nan or infinite" in follow.course()["layers_note"].item()
    with pytest.raises(ValueError, match="nan or infinite"):
        Follower(make(), torch.full((5, 6), torch.nan)).look(0)
    with pytest.raises(ValueError, match="no module 'relu'"):
        Follower(model, torch.randn(5, 6), ["relu"]).look(0)


def test_the_default_schedule_costs_less_than_a_tenth():
    kept = stored().loc["following"]
    assert "default schedule" in kept["note"]
    assert 1 / kept["low"] - 1 < 0.1, "in every repeat: reference over followed, so the smallest ratio costs most"


def test_numbers_beside_it_do_not_overwrite_what_is_followed():
    follower = Follower(make(), torch.randn(20, 6), steps=np.array([0, 1]))
    for name in ("linearity", "mean", "layer"):
        with pytest.raises(ValueError, match=f"'{name}' is the name"):
            follower(0, **{name: 1.0})
