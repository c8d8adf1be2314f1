"""Tensors are found however deep they are, and nothing else is."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import nn

from wolfsbane.audit.model.tensors import shape_of, tensors_in

A, B, C = torch.ones(1), torch.ones(2), torch.ones(3)


@dataclass
class Record:
    first: object
    second: object = None


class Pair(NamedTuple):
    x: Any
    y: Any


class Slots:
    __slots__ = ("tensor",)


def test_they_are_found_in_order():
    pair = Pair(A, [B, "text", None, {"c": C}])
    assert list(tensors_in(pair)) == [A, B, C]
    assert list(tensors_in(OrderedDict(a=A, b=Record((B,), Record(C))))) == [A, B, C]


def test_a_record_that_holds_itself_has_an_end():
    record = Record(A)
    record.second = [record]
    assert list(tensors_in(record)) == [A]


def test_modules_classes_and_plain_values_hold_none():
    values = [nn.Linear(2, 2), Record, len, torch.float32, "text", 3, None, Slots(), slice(1)]
    assert list(tensors_in(values)) == []


def test_a_shape_is_of_the_first_tensor():
    assert shape_of({"none": None, "some": (B, C)}) == (2,)
    assert shape_of([]) is None
