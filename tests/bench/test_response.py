"""The benchmark of responses: that both ways do the same work."""

import pytest
import torch

from lib.bench import response


def test_both_ways_give_the_same_responses():
    when = response.moments_of(200, 6)
    points = torch.tensor([3, 200])
    ours = response.side_by_side_responses(range(2), points, when)
    assert ours.shape == (2, 6, 256)
    plain = torch.stack([response.plain_responses(seed, points[seed], when) for seed in range(2)])
    torch.testing.assert_close(ours, plain, rtol=0, atol=1e-12)
    assert float(ours.abs().min(-1).values.max()) > 1e-6


def test_epochs_are_different_and_end_with_the_last():
    when = response.moments_of(10_000, 40)
    assert len(set(when)) == 40
    assert when == sorted(when)
    assert (when[0], when[-1]) == (1, 10_000)


def test_a_difference_is_an_error(monkeypatch):
    plain = response.plain_responses
    monkeypatch.setattr(response, "plain_responses", lambda *args: plain(*args) + 1e-6)
    with pytest.raises(ValueError, match="do not do the same work"):
        response.run(seeds=2, epochs=5, moments=2, few=1, repeats=1)


def test_what_is_scaled_is_said():
    result = response.run(seeds=4, epochs=10, moments=3, few=2, repeats=1)
    assert "timed on 2 and scaled to 4" in result.note
