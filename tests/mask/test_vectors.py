"""Known answers, made by an independent program; Random123's own for ten rounds of Philox."""

import hashlib
import json
from pathlib import Path

import pytest
import torch

from wolfsbane.mask import keep_mask
from wolfsbane.mask.bits import philox4x32

VECTORS = json.loads((Path(__file__).parents[1] / "mask_vectors.json").read_text())
LEVELS = 65536

SIXTEEN_BITS = [
    (int(row["key"]), int(index), bits)
    for row in VECTORS["u16"]
    for index, bits in zip(row["index"], row["u"], strict=True)
]


@pytest.mark.parametrize(("key", "index", "bits"), SIXTEEN_BITS)
def test_element_is_kept_up_to_its_own_sixteen_bits_and_no_further(key, index, bits):
    assert keep_mask(1, bits / LEVELS, key, start=index).item()
    assert not keep_mask(1, (bits + 1) / LEVELS, key, start=index).item()


@pytest.mark.parametrize("row", VECTORS["masks"], ids=lambda row: f"{row['key']}-{row['p']}")
def test_mask_has_the_known_digest(row):
    mask = keep_mask(row["n"], row["p"], int(row["key"]))
    assert int(mask.sum()) == row["kept"]
    digest = hashlib.sha256(bytes(mask.to(torch.uint8).tolist())).hexdigest()
    assert digest == row["sha256_of_bytes_0_1"]


@pytest.mark.parametrize(
    "row", VECTORS["philox"], ids=lambda row: f"{row['rounds']}-rounds-{row['counter'][0]}"
)
def test_philox_gives_the_known_words(row):
    counter = tuple(torch.tensor([word]) for word in row["counter"])
    words = philox4x32(counter, tuple(row["key"]), row["rounds"])
    assert [int(word.item()) for word in words] == row["words"]


def test_random123_answers_are_among_the_vectors():
    assert {row["rounds"] for row in VECTORS["philox"]} == {7, 10}
