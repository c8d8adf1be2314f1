"""Modes come back as they were, whatever happens."""

import pytest
from torch.nn import Dropout, Sequential

from wolfsbane.anatomy.modes import preserved_modes


def test_modes_are_put_back_after_an_error():
    model = Sequential(Dropout(), Sequential(Dropout().eval()).train(), Dropout().eval())
    model[1][0].eval()
    before = [module.training for module in model.modules()]

    def fail():
        with preserved_modes(model):
            model.eval()
            raise KeyError("x")

    with pytest.raises(KeyError):
        fail()
    assert [module.training for module in model.modules()] == before
