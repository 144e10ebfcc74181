"""Bit strings and their distances."""

import pytest
import torch

from lib.data.bits import bit_strings, hamming_distance


def test_all_strings_are_there_once():
    strings = bit_strings(5)
    assert strings.shape == (32, 5)
    assert len(torch.unique(strings, dim=0)) == 32
    assert set(strings.unique().tolist()) == {-1.0, 1.0}


def test_distance_is_that_of_the_inner_product():
    strings = bit_strings(6)
    found = hamming_distance(strings[:, None], strings)
    torch.testing.assert_close(found.double(), (6 - strings @ strings.T) / 2)


@pytest.mark.parametrize("bits", [0, 17])
def test_a_length_that_cannot_be_listed_is_named(bits):
    with pytest.raises(ValueError, match=f"Strings of {bits} bits"):
        bit_strings(bits)


def test_strings_of_other_lengths_have_no_distance():
    with pytest.raises(ValueError, match="of 3 and of 2 bits"):
        hamming_distance(bit_strings(3), bit_strings(2)[0])
