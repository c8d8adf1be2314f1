import contextlib

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset
from torch.utils.data.distributed import DistributedSampler

from wolfsbane.audit import check_model, watch
from wolfsbane.audit.registry import rule_of

RULES = [rule_of("WB303")]


def loader(number, batch_size, **arguments):
    return DataLoader(TensorDataset(torch.randn(number, 6)), batch_size=batch_size, **arguments)


def mlp():
    return nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 1))


@pytest.mark.parametrize(
    ("number", "batch_size", "arguments", "is_found"),
    [
        (33, 16, {}, True),
        (33, 16, {"drop_last": True}, False),
        (34, 16, {}, False),
        (32, 16, {}, False),
        (1, 16, {}, True),
        (5, 1, {}, True),
        (5, 1, {"drop_last": True}, True),
    ],
)
def test_a_last_batch_of_one_sample_is_found(number, batch_size, arguments, is_found):
    findings = check_model(mlp(), loader=loader(number, batch_size, **arguments), rules=RULES)
    assert findings.codes == ["WB303"] * is_found


def test_what_is_said_before_the_run_is_what_happens_in_it():
    model, batches = mlp(), loader(33, 16)
    (finding,) = check_model(model, loader=batches, rules=RULES)
    with pytest.raises(ValueError, match="Expected more than 1 value per channel when training"):
        [model(batch) for (batch,) in batches]
    assert "33 samples, batch_size=16" in finding.message


def test_the_samples_of_one_rank_count():
    data = TensorDataset(torch.randn(66, 6))
    sampler = DistributedSampler(data, num_replicas=2, rank=0)
    batches = DataLoader(data, batch_size=16, sampler=sampler)
    assert check_model(mlp(), loader=batches, rules=RULES).codes == ["WB303"]


class Endless(IterableDataset):
    def __iter__(self):
        yield torch.zeros(6)


@pytest.mark.parametrize(
    "given",
    [[torch.randn(1, 6)], DataLoader(Endless(), batch_size=16), None],
    ids=["a list", "a stream", "none"],
)
def test_a_loader_that_does_not_tell_is_silent(given):
    assert check_model(mlp(), loader=given, rules=RULES).codes == []


PICTURES = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
POOLED = nn.Sequential(
    nn.Conv2d(1, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)
)
PADDED = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(1, 4, 1, padding=1), nn.BatchNorm2d(4))


@pytest.mark.parametrize("is_run", [False, True], ids=["modules", "tape"])
@pytest.mark.parametrize(
    ("model", "is_found"),
    [(PICTURES, False), (POOLED, True), (PADDED, False)],
    ids=["pixels", "pooled", "padded"],
)
def test_pictures_pooled_to_one_pixel_are_found(model, is_found, is_run):
    example = torch.randn(2, 1, 8, 8) if is_run else None
    findings = check_model(model, example, loader=loader(33, 16), rules=RULES)
    assert findings.codes == ["WB303"] * is_found


def test_sequences_of_one_sample_have_many_values():
    model = nn.Sequential(nn.Conv1d(3, 4, 3), nn.BatchNorm1d(4))
    findings = check_model(model, torch.randn(2, 3, 9), loader=loader(33, 16), rules=RULES)
    assert findings.codes == []


class Steps(nn.Module):
    """Normalises each step of a sequence on its own, as a row of one long batch."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(3)

    def forward(self, x):
        return self.norm(x.flatten(0, 1)).view_as(x)


def test_a_batch_that_was_made_longer_has_many_values():
    findings = check_model(Steps(), torch.randn(2, 5, 3), loader=loader(33, 16), rules=RULES)
    assert findings.codes == []


def test_a_batch_norm_in_evaluation_mode_needs_no_batch():
    assert check_model(mlp().eval(), loader=loader(33, 16), rules=RULES).codes == []


def step(model, batch):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model(batch).sum().backward()
    optimizer.step()


def failed(model, train):
    """Return what was found in a run that ended with the error."""
    with contextlib.suppress(ValueError), watch(model, rules=RULES) as found:
        step(model, torch.randn(4, 6))
        train(torch.randn(1, 6))
        pytest.fail("no error was raised")
    return found


def test_the_error_is_explained_with_layer_shape_and_line():
    model = mlp()
    (finding,) = failed(model, lambda batch: step(model, batch))
    assert finding.message.startswith("batch norm '1' got an input of shape (1, 4)")
    assert finding.message.endswith("the batch had 1 sample")
    assert "drop_last=True" in finding.help
    assert finding.place.file == __file__
    assert finding.place.module == "1"


def test_where_there_is_no_gradient_the_advice_is_eval():
    model = mlp()
    (finding,) = failed(model, torch.no_grad()(model))
    assert "model.eval()" in finding.help


class Pooled(nn.Module):
    """Puts its samples together before it normalises."""

    def __init__(self):
        super().__init__()
        self.layer, self.norm = nn.Linear(6, 4), nn.BatchNorm1d(4)

    def forward(self, x):
        return self.norm(self.layer(x).mean(0, keepdim=True))


def test_where_the_batch_has_several_samples_the_layer_is_to_blame():
    model = Pooled()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with contextlib.suppress(ValueError), watch(model, rules=RULES) as found:
        model(torch.randn(4, 6)).sum().backward()
        optimizer.step()
    assert "the batch had 4 samples" in found[0].message
    assert "nn.LayerNorm" in found[0].help


def test_another_error_is_left_alone():
    with pytest.raises(RuntimeError, match="shapes"), watch(mlp(), rules=RULES) as found:
        step(mlp(), torch.randn(4, 5))
    assert found.codes == []
