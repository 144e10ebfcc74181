import pytest
import torch

from lib.data import batches, epoch_order, epoch_orders
from lib.data.order import Stream, permutation


@pytest.mark.parametrize("n", [1, 2, 1437])
def test_order_is_a_permutation(n):
    order = epoch_order(n, seed=4, epoch=2)
    assert order.dtype == torch.int64
    assert torch.equal(order.sort().values, torch.arange(n))


def test_order_is_reproducible_and_leaves_the_global_generator_alone():
    state = torch.get_rng_state()
    first = epoch_order(100, 1, 5)
    assert torch.equal(torch.get_rng_state(), state)
    torch.rand(3)
    assert torch.equal(first, epoch_order(100, 1, 5))


def test_order_is_fixed():
    # Stored records name seeds: under the same seed, a later version must visit the samples in the same order.
    assert epoch_order(8, seed=0, epoch=0).tolist() == [7, 0, 1, 6, 5, 2, 3, 4]
    assert epoch_order(8, seed=1, epoch=2).tolist() == [1, 3, 0, 7, 2, 5, 6, 4]


def test_orders_differ_between_seeds_epochs_and_streams():
    keys = [(seed, stream, epoch) for seed in (0, 1, 2**32, 2**32 + 1) for stream in Stream for epoch in (0, 1, 2)]
    orders = {tuple(permutation(50, *key).tolist()) for key in keys}
    assert len(orders) == len(keys)


def test_order_is_uniform():
    # All 6 permutations of 3 samples, 6,000 epochs: chi-square with 5 degrees of freedom, 99.9 % point 20.5.
    orders = torch.stack([epoch_order(3, seed=0, epoch=epoch) for epoch in range(6000)])
    counts = (orders * torch.tensor([9, 3, 1])).sum(1).unique(return_counts=True)[1]
    assert len(counts) == 6
    assert ((counts - 1000) ** 2 / 1000).sum() < 20.5


def test_many_seeds_equal_one_by_one():
    seeds = (3, 0, 3, 11)
    orders = epoch_orders(40, seeds, epoch=7)
    assert orders.shape == (4, 40)
    for row, seed in zip(orders, seeds, strict=True):
        assert torch.equal(row, epoch_order(40, seed, 7))


def test_batches_cover_the_epoch_in_order():
    cut = batches(10, 4, seed=2, epoch=1)
    assert [len(index) for index in cut] == [4, 4, 2]
    assert torch.equal(torch.cat(cut), epoch_order(10, 2, 1))


def test_batches_in_sequence():
    assert torch.equal(torch.cat(batches(10, 4, seed=2, epoch=1, shuffle=False)), torch.arange(10))


@pytest.mark.parametrize(("n", "size", "lengths"), [(10, 4, [4, 4]), (8, 4, [4, 4]), (4, 4, [4])])
def test_drop_last(n, size, lengths):
    cut = batches(n, size, seed=0, epoch=0, drop_last=True)
    assert [len(index) for index in cut] == lengths
    assert torch.equal(torch.cat(cut), epoch_order(n, 0, 0)[: sum(lengths)])


def test_batch_larger_than_the_epoch():
    assert [len(index) for index in batches(3, 8, seed=0, epoch=0)] == [3]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: epoch_order(0, 0, 0), "n=0 samples"),
        (lambda: epoch_order(3, -1, 0), "seed and epoch must be 0 or more"),
        (lambda: epoch_order(3, 0, -1), "seed and epoch must be 0 or more"),
        (lambda: epoch_orders(3, (), 0), "seeds is empty"),
        (lambda: batches(3, 0, seed=0, epoch=0), "size=0 is no batch size"),
        (lambda: batches(3, 4, seed=0, epoch=0, drop_last=True), "drop_last leaves no batch"),
        (lambda: batches(0, 4, seed=0, epoch=0, shuffle=False), "n=0 samples"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_gpu_has_the_same_order():
    assert torch.equal(epoch_order(99, 5, 5, "cuda").cpu(), epoch_order(99, 5, 5))
    assert torch.equal(epoch_orders(99, (1, 2), 5, "cuda").cpu(), epoch_orders(99, (1, 2), 5))
    for shuffle in (True, False):
        cut = batches(99, 10, seed=0, epoch=0, shuffle=shuffle, device="cuda")
        assert torch.cat(cut).device.type == "cuda"
