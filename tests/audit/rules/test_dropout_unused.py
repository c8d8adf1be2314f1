"""WB103: what counts as a use when a model trains."""

import pytest
import torch
from torch import nn

from wolfsbane.audit.rules.dropout_unused import DropoutUnused
from wolfsbane.audit.run.script import watch_everything


class Holder(nn.Module):
    """Holds a dropout, and hands the work to a function."""

    def __init__(self, work, p=0.3):
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.drop = nn.Dropout(p)
        self.work = work

    def forward(self, x):
        return self.work(self, self.fc(x))


def by_function(self, x):
    return nn.functional.dropout(x, self.drop.p, self.training)


def by_attention(self, x):
    p = self.drop.p if self.training else 0.0
    return nn.functional.scaled_dot_product_attention(x, x, x, dropout_p=p)


def found_in(model, num_steps=3):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    with watch_everything(rules=[DropoutUnused]) as findings:
        for _ in range(num_steps):
            optimizer.zero_grad()
            model(torch.ones(2, 3, 4)).sum().backward()
            optimizer.step()
    return list(findings)


def test_a_run_names_the_layer_and_how_often_it_was_left_out():
    (finding,) = found_in(nn.Sequential(nn.Linear(4, 4), Holder(lambda self, x: x)))
    assert finding.message == (
        "Dropout '1.drop' p=0.3 was left out in all 3 training calls of Holder '1' that were seen"
    )
    assert finding.place.module == "1.drop"


def by_itself(self, x):
    return self.drop(x)


@pytest.mark.parametrize("work", [by_itself, by_function, by_attention])
def test_a_layer_that_is_called_or_whose_rate_is_handed_on_is_used(work):
    assert found_in(Holder(work)) == []


def test_a_layer_that_drops_nothing_is_not_missed():
    assert found_in(Holder(lambda self, x: x, p=0.0)) == []


def test_a_module_that_was_not_called_says_nothing_of_its_layers():
    model = nn.Sequential(nn.Linear(4, 4))
    model.spare = Holder(lambda self, x: x)
    model.forward = model[0].forward
    assert found_in(model) == []


class Attention(Holder):
    """Whose attention may be a kernel that nobody sees."""


@pytest.mark.parametrize("is_eager", [True, False])
def test_attention_is_judged_where_its_softmax_was_seen(is_eager):
    def work(self, x):
        return x.softmax(-1) if is_eager else x

    assert bool(found_in(Attention(work))) == is_eager


def test_a_call_in_evaluation_is_no_training():
    model = Holder(lambda self, x: x).eval()
    assert found_in(model) == []
