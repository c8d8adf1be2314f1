import copy

import pytest
import torch
from torch import nn

from wolfsbane import stats
from wolfsbane.audit import check_model, watch
from wolfsbane.audit.registry import rule_of

RULES = [rule_of("WB301")]


def block(width=4):
    return nn.Sequential(nn.Linear(width, width), nn.BatchNorm1d(width), nn.ReLU())


def train(model, optimizer, steps=4, after_step=lambda: None):
    with watch(model, rules=RULES) as findings:
        for _ in range(steps):
            optimizer.zero_grad()
            model(torch.randn(16, 4) * 2 + 3).square().mean().backward()
            optimizer.step()
            after_step()
    return findings


def sgd(model):
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return torch.optim.SGD(trained, lr=0.1)


def test_the_movement_is_measured_in_standard_deviations():
    model = nn.Sequential(block().requires_grad_(False), nn.Linear(4, 1))
    norm = model[0][1]
    before, deviation = norm.running_mean.clone(), (norm.running_var + norm.eps).sqrt()
    (finding,) = train(model, sgd(model))
    moved = ((norm.running_mean - before).abs() / deviation).mean().item()
    assert f"that of '0.1' by {moved:.2g} standard deviations" in finding.message
    assert "in 4 training steps" in finding.message
    assert finding.place.module == "0"
    assert "wolfsbane.stats.freeze(model, which='0')" in finding.help


def test_the_advice_makes_it_silent():
    model = nn.Sequential(block().requires_grad_(False), nn.Linear(4, 1))
    assert check_model(model, rules=RULES).codes == ["WB301"]
    stats.freeze(model, which="0")
    model.train()
    assert check_model(model, rules=RULES).codes == []
    assert train(model, sgd(model)).codes == []


def test_a_frozen_part_is_reported_once():
    model = nn.Sequential(nn.Sequential(block(), block()).requires_grad_(False), nn.Linear(4, 1))
    (finding,) = check_model(model, rules=RULES)
    assert finding.message.startswith("2 batch norms (the first is '0.0.1') are frozen")


def test_parts_beside_one_another_are_one_finding_too():
    model = nn.Sequential(block(), block(), block(), nn.Linear(4, 1))
    model[0].requires_grad_(False)
    model[2][1].requires_grad_(False)
    for (finding,) in (check_model(model, rules=RULES), train(model, sgd(model))):
        assert finding.message.startswith("2 batch norms (the first is '0.1') are frozen")
        assert "wolfsbane.stats.freeze(model, which=['0', '2.1'])" in finding.help
    stats.freeze(model, which=["0", "2.1"])
    assert train(model.train(), sgd(model)).codes == []


class WithAverage(nn.Module):
    """A model and its moving average, as MoCo, BYOL and mean teachers have them."""

    def __init__(self):
        super().__init__()
        self.online = nn.Sequential(block(), nn.Linear(4, 4))
        self.average = copy.deepcopy(self.online).requires_grad_(False)

    def forward(self, x):
        with torch.no_grad():
            key = self.average(x)
        return self.online(x) - key

    def follow(self, share=0.999):
        with torch.no_grad():
            for mean, new in zip(self.average.parameters(), self.online.parameters(), strict=True):
                mean.data = share * mean.data + (1 - share) * new.data


def test_a_moving_average_of_a_model_that_trains_is_deliberate():
    model = WithAverage()
    assert check_model(model, rules=RULES).codes == []
    assert train(model, sgd(model), after_step=model.follow).codes == []


def test_a_frozen_block_beside_one_of_the_same_shape_is_found():
    model = nn.Sequential(block().requires_grad_(False), block(), nn.Linear(4, 1))
    assert check_model(model, rules=RULES).codes == ["WB301"]
    assert train(model, sgd(model)).codes == ["WB301"]


@pytest.mark.parametrize(
    "norm",
    [
        nn.BatchNorm1d(4, affine=False),
        nn.BatchNorm1d(4, momentum=0.0),
        nn.BatchNorm1d(4, track_running_stats=False),
        nn.LayerNorm(4),
    ],
    ids=["no weight", "momentum 0", "no statistics", "no batch norm"],
)
def test_norms_without_anything_to_freeze_are_silent(norm):
    model = nn.Sequential(
        nn.Sequential(nn.Linear(4, 4), norm).requires_grad_(False), nn.Linear(4, 1)
    )
    assert check_model(model, rules=RULES).codes == []
    assert train(model, sgd(model)).codes == []


def test_a_model_of_which_nothing_trains_is_silent():
    assert (
        check_model(nn.Sequential(block(), block()).requires_grad_(False), rules=RULES).codes == []
    )


def test_a_model_that_trains_is_silent():
    model = nn.Sequential(block(), nn.Linear(4, 1))
    assert check_model(model, rules=RULES).codes == []
    assert train(model, sgd(model)).codes == []


def test_a_lazy_layer_is_no_obstacle():
    model = nn.Sequential(block().requires_grad_(False), nn.LazyBatchNorm1d(), nn.LazyLinear(1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    findings = train(model, optimizer)
    assert findings.codes == ["WB301"]
    assert findings.notes == []


def test_gradients_that_are_off_for_the_generators_step_are_no_freezing():
    generator, critic = (
        nn.Sequential(block(), nn.Linear(4, 4)),
        nn.Sequential(block(), nn.Linear(4, 1)),
    )
    both = nn.ModuleDict({"generator": generator, "critic": critic})
    for_critic, for_generator = sgd(critic), sgd(generator)
    with watch(both, rules=RULES) as findings:
        for _ in range(4):
            noise = torch.randn(8, 4)
            critic.requires_grad_(True)
            for_critic.zero_grad()
            critic(generator(noise).detach()).mean().backward()
            for_critic.step()
            critic.requires_grad_(False)
            for_generator.zero_grad()
            critic(generator(noise)).mean().neg().backward()
            for_generator.step()
    assert findings.codes == []


def test_statistics_that_are_loaded_have_not_moved_by_themselves():
    model = nn.Sequential(block().requires_grad_(False), nn.Linear(4, 1))
    model[0].eval()
    better = {"running_mean": torch.ones(4), "running_var": torch.full((4,), 2.0)}
    load = lambda: model[0][1].load_state_dict(better, strict=False)  # noqa: E731
    assert train(model, sgd(model), after_step=load).codes == []


def test_what_no_optimizer_trains_is_named_so():
    model = nn.Sequential(block(), nn.Linear(4, 1))
    (finding,) = train(model, sgd(model[1]))
    assert "no optimizer trains weight and bias" in finding.message
