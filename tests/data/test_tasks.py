import pytest
import torch

from lib.data import epoch_order, load, one_vs_rest, pair, shuffled_labels

Y = torch.tensor([2, 0, 1, 2, 2, 1])


def test_one_vs_rest_equals_a_loop():
    targets = one_vs_rest(Y, (2, 0), dtype=torch.float64)
    assert targets.dtype == torch.float64
    assert targets.tolist() == [[1 if label == k else -1 for label in Y.tolist()] for k in (2, 0)]


def test_one_vs_rest_of_all_classes_has_one_plus_for_each_sample():
    digits = load("digits")
    targets = one_vs_rest(digits.y_train, range(10), dtype=torch.int8)
    assert torch.equal((targets == 1).sum(0), torch.ones(digits.n_train, dtype=torch.int64))
    assert torch.equal(targets.argmax(0), digits.y_train)


def test_pair_selects_both_classes_and_swaps_sign():
    index, targets = pair(Y, 1, 2)
    assert index.tolist() == [0, 2, 3, 4, 5]
    assert targets.tolist() == [-1, 1, -1, -1, 1]
    swapped_index, swapped = pair(Y, 2, 1)
    assert torch.equal(index, swapped_index)
    assert torch.equal(targets, -swapped)


def test_shuffled_labels_keep_counts_and_forget_the_images():
    y = load("digits").y_train
    shuffled = shuffled_labels(y, seed=0)
    assert torch.equal(shuffled.bincount(), y.bincount())
    assert torch.equal(shuffled, shuffled_labels(y, seed=0))
    assert not torch.equal(shuffled, shuffled_labels(y, seed=1))
    # Chance agreement is the sum of squared class shares, 0.1; its standard error here is 0.008.
    assert (shuffled == y).double().mean() == pytest.approx(0.1, abs=0.03)


def test_shuffled_labels_share_no_order_with_training():
    # Else the first epoch would visit the shuffled labels in the order of the file.
    y = torch.arange(200)
    assert not torch.equal(shuffled_labels(y, seed=3), epoch_order(200, seed=3, epoch=0))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: one_vs_rest(Y, ()), "classes is empty"),
        (lambda: one_vs_rest(Y, range(4)), "no sample has the label 3"),
        (lambda: one_vs_rest(Y.double(), range(3)), r"labels must be integers .* but are float64 \(6,\)"),
        (lambda: one_vs_rest(Y > 1, range(2)), "but are bool"),
        (lambda: pair(Y, 1, 1), "both are 1"),
        (lambda: pair(Y, 1, 7), "no sample has the label 7"),
        (lambda: pair(Y[None], 1, 2), r"but are int64 \(1, 6\)"),
        (lambda: shuffled_labels(Y[:0], 0), r"int64 \(0,\)"),
        (lambda: shuffled_labels(Y, -1), "0 or more"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_gpu_equals_cpu():
    y = Y.cuda()
    assert one_vs_rest(y, range(3)).cpu().tolist() == one_vs_rest(Y, range(3)).tolist()
    assert [part.cpu().tolist() for part in pair(y, 1, 2)] == [part.tolist() for part in pair(Y, 1, 2)]
    assert shuffled_labels(y, 3).cpu().tolist() == shuffled_labels(Y, 3).tolist()
