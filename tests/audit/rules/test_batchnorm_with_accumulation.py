import pytest
import torch
from torch import nn

from wolfsbane.audit import watch
from wolfsbane.audit.registry import rule_of
from wolfsbane.audit.run.script import watch_everything

RULES = [rule_of("WB304")]


def net(size_out=1):
    return nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, size_out))


def batch(size=4):
    return torch.randn(size, 6)


def sgd(model):
    return torch.optim.SGD(model.parameters(), lr=0.01)


def accumulated(model, size=4, passes=3, steps=4, *, new_samples=True):
    optimizer = sgd(model)
    with watch(model, optimizer=optimizer, rules=RULES) as findings:
        for _ in range(steps):
            x = batch(size)
            for _ in range(passes):
                x = batch(size) if new_samples else x
                (model(x).square().mean() / passes).backward()
            optimizer.step()
            optimizer.zero_grad()
    return findings


def test_the_message_has_the_numbers():
    (finding,) = accumulated(net())
    assert "batch norm '1' normalises 4 samples at a time, not the 12" in finding.message
    assert "4 of 4 steps accumulated the gradients of 3 forward passes" in finding.message


@pytest.mark.parametrize(("size", "is_found"), [(2, True), (15, True), (16, False)])
def test_sixteen_samples_are_enough(size, is_found):
    assert accumulated(net(), size).codes == ["WB304"] * is_found


def test_one_pass_a_step_is_no_accumulation():
    assert accumulated(net(), passes=1).codes == []


@pytest.mark.parametrize(
    "norm", [nn.GroupNorm(2, 8), nn.LayerNorm(8), nn.BatchNorm1d(8).eval()], ids=str
)
def test_norms_without_batch_statistics_are_silent(norm):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.norm, self.last = nn.Linear(6, 8), norm, nn.Linear(8, 1)

        def forward(self, x):
            return self.last(self.norm(self.first(x)).relu())

    assert accumulated(Net()).codes == []


def test_passes_over_the_same_batch_are_no_accumulation():
    """As in sharpness-aware minimisation and in line searches."""
    assert accumulated(net(), new_samples=False).codes == []


def test_a_line_search_is_no_accumulation():
    model, x = net(), batch()
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=4)

    def closure():
        optimizer.zero_grad()
        loss = model(x).square().mean()
        loss.backward()
        return loss

    with watch(model, rules=RULES) as findings:
        for _ in range(3):
            optimizer.step(closure)
    assert findings.codes == []


def test_adversarial_samples_beside_clean_ones_are_no_accumulation():
    model = net()
    optimizer = sgd(model)
    with watch(model, rules=RULES) as findings:
        for _ in range(4):
            x = batch().requires_grad_()
            model(x).square().mean().backward()
            attacked = (x + 0.1 * x.grad.sign()).detach()
            model(attacked).square().mean().backward()
            optimizer.step()
            optimizer.zero_grad()
    assert findings.codes == []


def test_a_siamese_network_is_no_accumulation():
    model = net(4)
    optimizer = sgd(model)
    with watch(model, rules=RULES) as findings:
        for _ in range(4):
            optimizer.zero_grad()
            (model(batch()) - model(batch())).square().mean().backward()
            optimizer.step()
    assert findings.codes == []


def gan(only=None):
    """The loop of DCGAN: real and fake have a backward pass each, then one step."""
    generator, critic = net(6), net(1)
    for_critic, for_generator = sgd(critic), sgd(generator)
    watching = watch_everything(rules=RULES)
    if only is not None:
        watching = watch(critic, optimizer=for_critic, rules=RULES)
    with watching as findings:
        for _ in range(5):
            for_critic.zero_grad()
            critic(batch()).mean().backward()
            fake = generator(batch())
            critic(fake.detach()).mean().neg().backward()
            for_critic.step()
            for_generator.zero_grad()
            critic(fake).mean().backward()
            for_generator.step()
    return findings


@pytest.mark.parametrize("only", [None, "critic"])
def test_a_critic_of_real_and_fake_samples_is_no_accumulation(only):
    assert gan(only).codes == []


def test_two_optimizers_of_one_model_are_seen_through():
    model = net()
    optimizers = [sgd(model[0]), sgd(model[1:])]
    with watch(model, rules=RULES) as findings:
        for _ in range(4):
            for _ in range(3):
                model(batch()).square().mean().backward()
            for optimizer in optimizers:
                optimizer.step()
                optimizer.zero_grad()
    assert findings.codes == ["WB304"]


def test_a_step_that_was_skipped_is_no_accumulation():
    """As a GradScaler skips one whose gradients are infinite."""
    model = net()
    optimizer = sgd(model)
    with watch(model, rules=RULES) as findings:
        for number in range(8):
            optimizer.zero_grad()
            model(batch()).square().mean().backward()
            if number not in (0, 3):
                optimizer.step()
    assert findings.codes == []
