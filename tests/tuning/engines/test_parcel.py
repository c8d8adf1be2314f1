"""What travels to workers."""

import pickle
import threading

import pytest

from tuning.engines.suite import a_setting, performing
from wolfsbane.errors import ArgumentTypeError
from wolfsbane.tuning.engines.parcel import pack


def test_functions_within_functions_arrive():
    def double(data, request):
        return 2 * data

    perform, setting = pack(performing(), a_setting(double, 21)).unpack()
    assert perform(setting, None) == 42


def test_each_training_unpacks_its_own_copy():
    parcel = pack(performing(), a_setting(None, []))
    parcel.unpack()[1].data.append(1)
    assert parcel.unpack()[1].data == []


def test_each_parcel_names_a_batch_of_its_own():
    assert pack(len, a_setting(None, 0)).batch != pack(len, a_setting(None, 0)).batch


def test_what_cannot_be_sent_is_named_with_a_way_out():
    lock = threading.Lock()

    def train(data, request):
        return lock

    with pytest.raises(ArgumentTypeError, match=r"train = .*cannot be sent.*_thread.lock.*jobs=1"):
        pack(performing(), a_setting(train, None))


def test_an_exception_of_pickling_is_told_whatever_its_class():
    class Stubborn:
        def __reduce__(self):
            raise pickle.PicklingError("not me")

        def __repr__(self):
            return "x" * 200

    with pytest.raises(ArgumentTypeError, match=r"data = x{80}\.\.\. cannot be sent.*: not me"):
        pack(performing(), a_setting(None, Stubborn()))
