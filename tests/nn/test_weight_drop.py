"""WeightDrop: for the call only, any module, nothing renamed, nothing dropped twice."""

import copy
import pickle

import pytest
import torch

from wolfsbane import nn
from wolfsbane.errors import ArgumentError, ArgumentTypeError, ModelError
from wolfsbane.mask import draw_key, keep_mask, scale, shard

NAME = "weight_hh_l0"


def lstm(**options):
    torch.manual_seed(0)
    return torch.nn.LSTM(4, 6, **options)


def sequences():
    return torch.randn(7, 3, 4, generator=torch.Generator().manual_seed(1))


def with_masked_weight(module, name, p, x):
    """Return what a copy gives whose weight is masked for good, by the next key."""
    other = copy.deepcopy(module)
    weight = other.get_parameter(name)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        weight.copy_(torch.where(keep_mask(weight.shape, p, draw_key()), weight * scale(p), 0.0))
    return other, other(x)


def test_lstm_runs_with_its_recurrent_weights_masked():
    module, x = lstm(), sequences()
    drop = nn.WeightDrop(module, NAME, 0.4)
    _, (expected, _) = with_masked_weight(module, NAME, 0.4, x)
    y, _ = drop(x)
    assert torch.equal(y, expected)


def test_gradient_is_that_of_the_masked_weights_through_the_mask():
    module, x = lstm(), sequences()
    drop = nn.WeightDrop(module, NAME, 0.4)
    other, (expected, _) = with_masked_weight(module, NAME, 0.4, x)
    with torch.random.fork_rng(devices=[]):
        keep = keep_mask(module.weight_hh_l0.shape, 0.4, draw_key())
    expected.square().sum().backward()
    drop(x)[0].square().sum().backward()
    torch.testing.assert_close(
        module.weight_hh_l0.grad, torch.where(keep, other.weight_hh_l0.grad * scale(0.4), 0.0)
    )
    torch.testing.assert_close(module.weight_ih_l0.grad, other.weight_ih_l0.grad)


def test_weights_named_have_masks_of_their_own():
    names = ["0.weight", "2.weight"]
    net = torch.nn.Sequential(torch.nn.Linear(5, 5), torch.nn.Identity(), torch.nn.Linear(5, 5))
    for index in (0, 2):
        torch.nn.init.ones_(net[index].weight)
    seen = []
    for index in (0, 2):
        net[index].register_forward_hook(lambda layer, *_: seen.append(layer.weight.detach() != 0))
    nn.WeightDrop(net, names, 0.5)(torch.ones(1, 5))
    assert not torch.equal(*seen)
    assert all(0 < int(mask.sum()) < 25 for mask in seen)


@pytest.mark.parametrize("fails", [False, True])
def test_parameters_are_the_same_objects_before_and_after_a_call(fails):
    module = lstm()
    before = dict(module.named_parameters())
    drop = nn.WeightDrop(module, NAME)
    if fails:
        with pytest.raises(RuntimeError):
            drop(torch.ones(7, 3, 5))
    else:
        drop(sequences())
    after = dict(module.named_parameters())
    assert all(after[name] is before[name] for name in before)
    assert all(
        weight is before[name] for name, weight in zip(before, module._flat_weights, strict=True)
    )


def test_evaluation_uses_the_weights_as_they_are():
    module, x = lstm(), sequences()
    expected, _ = module(x)
    drop = nn.WeightDrop(module, NAME)
    drop(x)
    assert torch.equal(drop.eval()(x)[0], expected)


def test_copies_and_pickles_can_be_made_after_training():
    drop, x = nn.WeightDrop(lstm(), NAME), sequences()
    drop(x)[0].sum().backward()
    torch.manual_seed(3)
    expected, _ = drop(x)
    for other in (copy.deepcopy(drop), pickle.loads(pickle.dumps(drop))):
        torch.manual_seed(3)
        assert torch.equal(other(x)[0], expected)
        assert other.module.weight_hh_l0 is not drop.module.weight_hh_l0


def test_modes_of_what_is_inside_are_left_alone():
    module = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.BatchNorm1d(4).eval())
    assert nn.WeightDrop(module, "0.weight").training
    assert not module[1].training
    assert not nn.WeightDrop(torch.nn.Linear(4, 4).eval(), "weight").training


def test_hooks_of_the_module_run_once_a_call():
    module, calls = lstm(), []
    module.register_forward_hook(lambda *_: calls.append("after"))
    module.register_forward_pre_hook(lambda *_: calls.append("before"))
    nn.WeightDrop(module, NAME)(sequences())
    assert calls == ["before", "after"]


def test_tied_weights_are_dropped_together():
    net = torch.nn.Sequential(torch.nn.Linear(8, 8, bias=False), torch.nn.Linear(8, 8, bias=False))
    net[1].weight = net[0].weight
    torch.nn.init.eye_(net[0].weight)
    y = nn.WeightDrop(net, "0.weight", 0.5)(torch.ones(1, 8))
    assert set(y.unique().tolist()) == {0.0, 4.0}


def test_keyword_arguments_are_handed_on():
    module = lstm()
    state = (torch.ones(1, 3, 6), torch.ones(1, 3, 6))
    expected, _ = module(sequences(), state)
    y, _ = nn.WeightDrop(module, NAME, 0.0)(sequences(), hx=state)
    assert torch.equal(y, expected)


def test_rate_one_leaves_the_bias():
    linear = torch.nn.Linear(3, 2)
    y = nn.WeightDrop(linear, "weight", 1.0)(torch.full((1, 3), 5.0))
    assert torch.equal(y[0], linear.bias)


def test_all_processes_drop_the_same_weights():
    drop = nn.WeightDrop(torch.nn.Linear(30, 30), "weight")
    outputs = []
    for rank in (0, 1):
        torch.manual_seed(2)
        with shard(rank, 2):
            outputs.append(drop(torch.ones(1, 30)))
    assert torch.equal(*outputs)


@pytest.mark.parametrize("prefix", ["module.", ""])
def test_weights_saved_as_raw_elsewhere_are_read(prefix):
    source = lstm()
    saved = {f"rnn.module.{name}": value for name, value in source.state_dict().items()}
    saved[f"rnn.{prefix}{NAME}_raw"] = saved[f"rnn.module.{NAME}"] + 1
    if prefix:
        del saved[f"rnn.module.{NAME}"]
    net = torch.nn.ModuleDict({"rnn": nn.WeightDrop(torch.nn.LSTM(4, 6), NAME)})
    net.load_state_dict(saved)
    assert torch.equal(net["rnn"].module.weight_hh_l0, source.weight_hh_l0 + 1)
    assert torch.equal(net["rnn"].module.weight_ih_l0, source.weight_ih_l0)
    assert f"rnn.{prefix}{NAME}_raw" in saved


def test_derivatives_hold():
    drop = nn.WeightDrop(torch.nn.RNN(2, 3).double(), NAME, 0.4)
    weight = drop.module.weight_hh_l0.detach().requires_grad_()
    x = torch.randn(4, 1, 2, dtype=torch.float64, requires_grad=True)

    def fixed(x, weight):
        torch.manual_seed(1)
        return torch.func.functional_call(drop, {f"module.{NAME}": weight}, (x,))[0]

    torch.autograd.gradcheck(fixed, (x, weight))


class Continued(torch.nn.Module):
    """Hands a state on by keyword, and in the second form the input too."""

    def __init__(self, all_by_name):
        super().__init__()
        self.rnn = nn.WeightDrop(lstm(), NAME)
        self.all_by_name = all_by_name

    def forward(self, x, state, cell):
        hx = (state, cell)
        return self.rnn(input=x, hx=hx)[0] if self.all_by_name else self.rnn(x, hx=hx)[0]


@pytest.mark.parametrize("all_by_name", [False, True])
def test_traced_network_keeps_arguments_by_name_and_draws_at_every_call(all_by_name):
    model = Continued(all_by_name)
    traced = torch.fx.symbolic_trace(model)
    given = (sequences(), torch.ones(1, 3, 6), torch.ones(1, 3, 6))
    outputs = []
    for call in (model, traced):
        torch.manual_seed(3)
        outputs.append([call(*given), call(*given)])
    assert torch.equal(outputs[0][0], outputs[1][0])
    assert torch.equal(outputs[0][1], outputs[1][1])
    assert not torch.equal(*outputs[1])


def test_lazy_module_gets_its_size_in_evaluation():
    drop, x = nn.WeightDrop(torch.nn.LazyLinear(2), "weight").eval(), torch.ones(1, 3)
    drop(x)
    assert drop.train()(x).shape == (1, 2)


def test_copies_that_data_parallel_makes_drop_weights_and_pass_gradients_on():
    """Their parameters are plain tensors, as torch.nn.parallel.replicate leaves them."""
    drop, x = nn.WeightDrop(lstm(), NAME, 0.4), sequences()
    copies = [layer._replicate_for_data_parallel() for layer in (drop, drop.module)]
    copies[0]._modules = {"module": copies[1]}
    copies[1]._former_parameters = {}
    for name, parameter in drop.module.named_parameters():
        setattr(copies[1], name, parameter * 1.0)
        copies[1]._former_parameters[name] = getattr(copies[1], name)
    torch.manual_seed(3)
    expected, _ = drop(x)
    torch.manual_seed(3)
    y, _ = copies[0](x)
    assert torch.equal(y, expected)
    y.sum().backward()
    assert 0 < int((drop.module.weight_hh_l0.grad == 0).sum()) < drop.module.weight_hh_l0.numel()


def nested():
    inner = nn.WeightDrop(torch.nn.Linear(2, 2), "weight")
    return nn.WeightDrop(inner, "module.weight")


@pytest.mark.parametrize(
    ("function", "error", "words"),
    [
        (nested, ModelError, r"weight 'module\.weight' of WeightDrop is dropped already"),
        (lambda: nn.WeightDrop(nn.DropConnect(2, 2), "weight"), ModelError, "dropped already"),
        (
            lambda: nn.WeightDrop(torch.nn.Linear(2, 2), ["weight", "weight"]),
            ModelError,
            "dropped already",
        ),
        (
            lambda: nn.WeightDrop(torch.nn.Linear(2, 2), "weigth"),
            ArgumentError,
            "got 'weigth'. It has: weight, bias",
        ),
        (lambda: nn.WeightDrop(torch.nn.Linear(2, 2), []), ArgumentError, r"but got \[\]"),
        (lambda: nn.WeightDrop(3, "weight"), ArgumentTypeError, "a module, but got int"),
        (lambda: nn.WeightDrop(torch.nn.Linear(2, 2), 3), ArgumentTypeError, "names .* but got 3"),
        (
            lambda: nn.WeightDrop(torch.nn.Linear(2, 2), None),
            ArgumentTypeError,
            "names .* but got None",
        ),
        (
            lambda: nn.WeightDrop(torch.nn.LazyLinear(2), "weight")(torch.ones(1, 3)),
            ModelError,
            r"'weight' of LazyLinear has no size yet.*layer\.eval\(\)",
        ),
    ],
)
def test_wrong_arguments_are_refused(function, error, words):
    with pytest.raises(error, match=words):
        function()
