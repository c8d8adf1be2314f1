"""A compiled network is the eager one: masks, values, gradients, buffers, random numbers."""

import pytest
import torch

from cases import dropouts
from transforms.networks import (
    SHAPE,
    assert_same,
    backends,
    everything,
    of_torch_itself,
    seeded,
    train,
)
from wolfsbane import functional as F
from wolfsbane import nn
from wolfsbane.mask import keep_mask

pytestmark = [*of_torch_itself]

X = torch.linspace(-2.0, 2.0, 6 * 16).view(6, 16)


def compiled(function, backend="aot_eager", **options):
    return torch.compile(function, backend=backend, fullgraph=True, **options)


@pytest.mark.parametrize("backend", ["eager", "aot_eager", "inductor"])
def test_training_is_that_of_eager_code(backend):
    eager, other = everything(), everything()
    expected = train(eager, eager)
    assert_same(train(other, compiled(other, backend)), expected)


def test_training_in_float64_is_that_of_eager_code_to_float64_s_precision():
    eager, other = everything().double(), everything().double()
    expected = train(eager, lambda x: eager(x.double()))
    assert_same(train(other, compiled(lambda x: other(x.double()))), expected)


class Row(torch.nn.Module):
    """Dropouts one after another: draws that have no arguments to tell them apart."""

    def __init__(self, *layers):
        super().__init__()
        self.layers = torch.nn.ModuleList(layers)

    def forward(self, input):
        return tuple(
            layer(torch.ones_like(input) * input.size(0) / len(X)) for layer in self.layers
        )


def assert_masks_of_eager_code(call, eager, x=X):
    """Assert the masks of eager code, that no two are alike, and no two calls have the same."""
    expected = seeded(lambda: (*eager(x), *eager(x)))
    found = seeded(lambda: (*call(x), *call(x)))
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one.detach(), other.detach())
    masks = {tuple((one != 0).flatten().tolist()) for one in found[:-1]}
    assert len(masks) == len(found) - 1


@backends
@pytest.mark.parametrize("needs_grad", [False, True])
def test_dropouts_in_a_row_have_masks_of_their_own(backend, needs_grad):
    row = Row(nn.Dropout(), nn.Dropout(), nn.Dropout())
    x = X.clone().requires_grad_(needs_grad)
    assert_masks_of_eager_code(compiled(row, backend), row, x)


@backends
def test_gradients_of_dropouts_in_a_row_have_the_masks_of_their_outputs(backend):
    row = compiled(Row(nn.Dropout(), nn.Dropout(), nn.Dropout()), backend)
    leaves = [torch.ones(6, 16, requires_grad=True) for _ in range(3)]

    def each(leaves):
        return [layer(leaf) for layer, leaf in zip(row.layers, leaves, strict=True)]

    outputs = compiled(each, backend)(leaves)
    sum(output.sum() for output in outputs).backward()
    for leaf, output in zip(leaves, outputs, strict=True):
        assert torch.equal(leaf.grad, output)
    assert not torch.equal(outputs[0], outputs[1])


class Branches(torch.nn.Module):
    """Branches of one input that a scheduler may run in any order, the narrow one first."""

    def __init__(self):
        super().__init__()
        self.wide, self.narrow = torch.nn.Linear(16, 256), torch.nn.Linear(16, 4)
        self.drops = torch.nn.ModuleList([nn.Dropout(), nn.Dropout(0.4), nn.Dropout2d(0.3)])

    def forward(self, input):
        wide = self.drops[0](self.wide(input).softmax(1))
        narrow = self.drops[1](self.narrow(input))
        planes = self.drops[2](input.view(-1, 4, 2, 2) + 3.0)
        return planes.flatten(1), narrow + 1.0, wide @ self.wide.weight


@backends
@pytest.mark.parametrize("mode", [torch.enable_grad, torch.no_grad, torch.inference_mode])
def test_branches_draw_in_the_order_of_eager_code(backend, mode):
    torch.manual_seed(0)
    branches = Branches()
    call = compiled(branches, backend)
    with mode():
        expected, found = seeded(branches, X), seeded(call, X)
    torch.testing.assert_close(found, expected)


@backends
def test_calls_after_one_another_in_a_graph_draw_in_their_order(backend):
    drop = nn.Dropout()

    def function(x):
        for _ in range(4):
            x = drop(x + 1.0)
        return x

    torch.testing.assert_close(seeded(compiled(function, backend), X), seeded(function, X))


@dropouts
def test_mask_is_the_contract_s_for_the_key_that_eager_code_draws(case):
    layer = getattr(nn, case.layer)(0.5)
    x = torch.ones(case.shape)
    expected, found = seeded(layer, x), seeded(compiled(layer), x)
    assert torch.equal(found[0], expected[0])
    assert torch.equal(found[1], expected[1])


def test_changed_rate_holds_from_the_next_step_on():
    drop = nn.Dropout(0.1)
    call = compiled(drop)
    for p in (0.1, 0.5, 0.0, 1.0, 0.1):
        drop.p = p
        expected, found = seeded(drop, X), seeded(call, X)
        assert torch.equal(found[0], expected[0])
        assert torch.equal(found[1], expected[1])


def test_change_between_training_and_evaluation_holds():
    model = everything()
    call, x = compiled(model), torch.randn(SHAPE)
    for mode in (True, False, True):
        model.train(mode)
        before = {name: buffer.clone() for name, buffer in model.named_buffers()}
        expected = seeded(model, x)
        after = {name: buffer.clone() for name, buffer in model.named_buffers()}
        model.load_state_dict(before, strict=False)
        torch.testing.assert_close(seeded(call, x), expected)
        assert_same(dict(model.named_buffers()), after)


@dropouts
def test_inplace_layers_write_into_their_input(case):
    layer = getattr(nn, case.layer)(0.5, inplace=True)

    def function(x):
        doubled = x * 2.0
        return layer(doubled), doubled

    x = torch.ones(case.shape, requires_grad=True)
    results = []
    for call in (function, compiled(function)):
        output, doubled, state = seeded(call, x)
        results.append([output, doubled, state, *torch.autograd.grad(output.sum(), x)])
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))
    assert torch.equal(results[1][0], results[1][1])


def test_inplace_layer_writes_into_an_argument_of_the_graph():
    layer, x = nn.Dropout(0.5, inplace=True), torch.ones(6, 16)
    torch.manual_seed(3)
    key = int(torch.randint(-(2**63), 2**63 - 1, ()).item()) % 2**64
    torch.manual_seed(3)
    compiled(layer)(x)
    assert torch.equal(x, keep_mask((6, 16), 0.5, key) * 2.0)


FUNCTIONS = (
    lambda x: F.dropout(x, 0.3),
    lambda x: F.dropout1d(x, 0.3),
    lambda x: F.dropout2d(x[..., None], 0.3),
    lambda x: F.dropout3d(x[..., None, None], 0.3),
    lambda x: F.alpha_dropout(x, 0.3, training=True),
    lambda x: F.feature_alpha_dropout(x, 0.3, training=True),
    lambda x: F.drop_path(x, 0.3),
    lambda x: F.dropout_add(x.cos(), x, 0.3),
    lambda x: F.bias_act_dropout(x, x[0, 0], "gelu", 0.3),
    lambda x: F.bias_act_dropout(x, None, torch.nn.Mish(), 0.3),
    lambda x: F.batch_norm(x, None, None, training=True),
    lambda x: F.batch_norm_act_dropout(x, None, None, training=True, activation="elu", p=0.3),
)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__code__.co_names[1])
def test_function_in_compiled_code_is_that_of_eager_code(function):
    x = torch.randn(5, 4, 3, requires_grad=True)

    def both(call):
        y, state = seeded(call, x)
        return y, state, *torch.autograd.grad(y.pow(3).sum(), x)

    torch.testing.assert_close(both(compiled(function)), both(function))
