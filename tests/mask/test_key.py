"""Keys: drawn from torch's generators, so that seeds and forks hold for masks."""

import pytest
import torch

from wolfsbane import mask, nn
from wolfsbane.errors import ArgumentError, ArgumentTypeError
from wolfsbane.mask import draw_key


def test_public_names_are_these():
    assert mask.__all__ == ["draw_key", "keep_mask", "scale", "shard", "threshold"]


def test_key_is_an_unsigned_64_bit_int_that_uses_all_its_bits():
    keys = [draw_key() for _ in range(200)]
    assert all(type(key) is int and 0 <= key < 2**64 for key in keys)
    # A bit that 200 fair draws leave unset, or set, has chance 2 * 2^-200; 64 bits: below 1e-57.
    union, intersection = 0, 2**64 - 1
    for key in keys:
        union, intersection = union | key, intersection & key
    assert (union, intersection) == (2**64 - 1, 0)


def test_keys_of_consecutive_calls_differ():
    # 1000 fair draws collide with probability 1000^2 / 2 / 2^64 < 3e-14.
    assert len({draw_key() for _ in range(1000)}) == 1000


def test_manual_seed_gives_the_same_keys_again():
    torch.manual_seed(3)
    first = [draw_key(), draw_key()]
    torch.manual_seed(3)
    assert [draw_key(), draw_key()] == first


def test_fork_rng_leaves_the_keys_that_follow_alone():
    torch.manual_seed(3)
    expected = draw_key()
    torch.manual_seed(3)
    with torch.random.fork_rng(devices=[]):
        draw_key()
    assert draw_key() == expected


def test_key_is_one_randint_call():
    torch.manual_seed(3)
    torch.randint(-(2**63), 2**63 - 1, (), dtype=torch.int64)
    after_randint = torch.get_rng_state()
    torch.manual_seed(3)
    draw_key()
    assert torch.equal(torch.get_rng_state(), after_randint)


def test_generator_is_drawn_from_and_the_default_one_is_not():
    before = torch.get_rng_state()
    generator = torch.Generator().manual_seed(5)
    keys = [draw_key(generator), draw_key(generator)]
    assert torch.equal(torch.get_rng_state(), before)
    assert keys[0] != keys[1]
    generator.manual_seed(5)
    assert [draw_key(generator), draw_key(generator)] == keys


def test_default_generator_passed_by_name_is_the_default():
    torch.manual_seed(3)
    expected = draw_key()
    torch.manual_seed(3)
    assert draw_key(torch.default_generator) == expected


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_key_is_the_same_inside_a_default_device_context(device):
    torch.manual_seed(3)
    expected = draw_key()
    torch.manual_seed(3)
    with torch.device(device):
        assert draw_key() == expected


def test_key_is_the_same_under_set_default_device():
    torch.manual_seed(3)
    expected = draw_key()
    torch.manual_seed(3)
    torch.set_default_device("meta")
    try:
        assert draw_key() == expected
    finally:
        torch.set_default_device(None)


def test_key_is_the_same_under_another_default_dtype():
    torch.manual_seed(3)
    expected = draw_key()
    torch.manual_seed(3)
    torch.set_default_dtype(torch.float64)
    try:
        assert draw_key() == expected
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("call", [draw_key, lambda g: nn.Dropout(generator=g)])
def test_what_is_no_generator_is_refused(call):
    with pytest.raises(ArgumentTypeError, match=r"a torch.Generator or None, but got 3"):
        call(3)


def test_a_key_for_each_sample_of_vmap_is_no_number():
    with pytest.raises(ArgumentError, match="use randomness='same' for one mask"):
        torch.func.vmap(lambda x: x * draw_key(), randomness="different")(torch.ones(3, 4))
