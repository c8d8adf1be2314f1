"""Monte-Carlo dropout as a whole: statistics, restoration, what others get wrong, errors."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as torch_functional
from torch.utils.data import DataLoader, TensorDataset

from significance import FALSE_ALARM
from uncertainty.mc_models import Attention, Functional, Recurrent, SelfAttention, around, encoder
from wolfsbane import nn as ours
from wolfsbane.errors import (
    ArgumentError,
    ArgumentTypeError,
    DataError,
    ModelError,
    ShapeError,
    UnsupportedError,
)
from wolfsbane.uncertainty import mc_dropout


def seeded(seed=5):
    return torch.Generator().manual_seed(seed)


class Doubling(nn.Module):
    """y = sum of dropped ones: its mean and variance are known."""

    def __init__(self, p, width=200):
        super().__init__()
        self.drop, self.width = nn.Dropout(p), width

    def forward(self, x):
        return self.drop(x.expand(-1, self.width)).sum(1, keepdim=True)


@pytest.mark.parametrize("strategy", ["loop", "prefix", "replicate", "auto"])
def test_mean_and_variance_are_those_of_the_binomial(strategy):
    rows, width, count = 64, 200, 40
    prediction = mc_dropout(Doubling(0.25, width), torch.ones(rows, 1), count, strategy)
    # A sum has mean n and variance n p / (1 - p). The mean of all rows and samples is normal.
    variance = width * 0.25 / 0.75
    limit = math.sqrt(-2 * math.log(FALSE_ALARM / 2))  # P(|z| > t) <= 2 exp(-t^2 / 2)
    error = prediction.mean.double().mean().item() - width
    assert abs(error) < limit * math.sqrt(variance / (rows * count))
    # The sample variance of nearly normal values has standard deviation sqrt(2 / (n - 1)) of it.
    spread = math.sqrt(2 / (rows * (count - 1)))
    ratio = prediction.variance.double().mean().item() / variance
    assert abs(ratio - 1) < 1.1 * limit * spread


@pytest.mark.parametrize("strategy", ["loop", "prefix", "replicate"])
def test_samples_of_a_row_are_independent_of_one_another_and_of_other_rows(strategy):
    kept = mc_dropout(
        nn.Sequential(nn.Dropout(0.5)), torch.ones(40, 30), 50, strategy, keep_samples=True
    ).samples
    signs = kept - 1.0
    for other in (signs.roll(1, 0), signs.roll(1, 1)):
        agreement = (signs * other).sum().item()
        # Hoeffding for 60,000 signs: P(|sum| > t) <= 2 exp(-t^2 / 2n).
        assert abs(agreement) < math.sqrt(2 * kept.numel() * math.log(2 / FALSE_ALARM))


def test_statistics_are_those_of_the_samples_in_float64():
    model, x = around(nn.Dropout(0.4)), torch.randn(9, 6) + 1e3
    found = mc_dropout(model, x, 12, keep_samples=True)
    truth = found.samples.double()
    torch.testing.assert_close(found.mean, truth.mean(0).float())
    torch.testing.assert_close(found.variance, truth.var(0).float())
    torch.testing.assert_close(found.std, truth.std(0).float())
    assert found.num_samples == 12


@pytest.mark.parametrize("dense", [False, True])
def test_entropy_and_mutual_information_follow_their_definition(dense):
    model = nn.Conv2d(4, 3, 1) if dense else nn.Linear(4, 3)
    x = torch.randn((5, 4, 2, 2) if dense else (5, 4)) * 20
    model = nn.Sequential(nn.Dropout(0.5), model)
    logits = mc_dropout(model, x, 10, generator=seeded(), keep_samples=True).samples.double()
    found = mc_dropout(model, x, 10, generator=seeded(), outputs="logits")
    p = torch.softmax(logits, 2)
    mean = p.mean(0)
    entropy = -torch.xlogy(mean, mean).sum(1)
    expected = -torch.xlogy(p, p).sum(2).mean(0)
    torch.testing.assert_close(found.mean, mean.float(), atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(found.variance, p.var(0).float(), atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(found.entropy, entropy.float(), atol=1e-6, rtol=1e-5)
    information = (entropy - expected).float()
    torch.testing.assert_close(found.mutual_information, information, atol=1e-6, rtol=1e-5)


def test_probabilities_give_what_their_logits_give():
    model, x = around(nn.Dropout(0.5)), torch.randn(5, 6)
    logits = mc_dropout(model, x, 8, generator=seeded(), outputs="logits")
    soft = nn.Sequential(model, nn.Softmax(1))
    probabilities = mc_dropout(soft, x, 8, generator=seeded(), outputs="probabilities")
    torch.testing.assert_close(probabilities.mean, logits.mean)
    torch.testing.assert_close(
        probabilities.mutual_information, logits.mutual_information, atol=1e-5, rtol=1e-4
    )


def test_certain_and_impossible_classes_give_zero_and_not_nan():
    class Certain(nn.Module):
        def forward(self, x):
            torch_functional.dropout(x, 0.5)
            return torch.tensor([[1e30, -1e30, -math.inf]]).expand(x.size(0), 3)

    found = mc_dropout(Certain(), torch.ones(4, 2), 5, outputs="logits")
    assert torch.equal(found.entropy, torch.zeros(4))
    assert torch.equal(found.mutual_information, torch.zeros(4))


def test_seed_decides_the_prediction():
    model, x = around(nn.Dropout(0.4)), torch.randn(4, 6)

    def mean(generator=None):
        return mc_dropout(model, x, 5, "loop", generator=generator).mean

    first = mean(seeded())
    assert torch.equal(first, mean(seeded()))
    assert not torch.equal(first, mean(seeded(6)))
    torch.testing.assert_close(mc_dropout(model, x, 5, generator=seeded()).mean, first)
    torch.manual_seed(7)
    default = mean()
    assert not torch.equal(default, mean())
    torch.manual_seed(7)
    assert torch.equal(default, mean())


# What other tools get wrong.


def test_functional_dropout_stays_live_although_the_model_is_in_evaluation():
    prediction = mc_dropout(Functional().eval(), torch.randn(4, 6), 8)
    assert (prediction.variance > 0).all()


@pytest.mark.parametrize("layer", [nn.BatchNorm1d(6), ours.BatchNormAct1d(6, p=0.5)])
def test_batch_norm_uses_running_statistics_which_stay(layer):
    layer.running_mean.normal_()
    model = nn.Sequential(layer, nn.Dropout(0.5)).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    x = torch.randn(4, 6)
    alone = mc_dropout(model, x[:1], 6, generator=seeded(), keep_samples=True).samples
    among = mc_dropout(model, x, 6, generator=seeded(), keep_samples=True).samples
    normalised = layer.eval()(x[:1])
    kept = (alone != 0) & (among[:, :1] != 0)
    # Kept by both, a value is the normalised one, scaled by 2 at each drop: no other row matters.
    torch.testing.assert_close(alone[kept], among[:, :1][kept])
    scale = 4.0 if isinstance(layer, ours.BatchNormAct1d) else 2.0
    expected = (normalised * scale).expand_as(alone)[kept]
    torch.testing.assert_close(alone[kept], expected)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_encoder_drops_although_its_fast_path_would_not():
    model = encoder().eval()
    with torch.no_grad():
        assert torch.equal(model(x := torch.randn(3, 5, 8)), model(x))
    assert (mc_dropout(model, x, 4).variance > 0).all()


def test_weights_that_are_dropped_have_another_mask_in_each_sample():
    class DroppedWeight(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(12, 3))

        def forward(self, x):
            return x @ torch_functional.dropout(self.weight * 1.0, 0.5).T

    model, x = DroppedWeight(), torch.randn(3, 3)
    for strategy in ("loop", "prefix", "auto"):
        assert (mc_dropout(model, x, 4, strategy).variance > 0).any()
    with pytest.raises(UnsupportedError, match="'replicate' cannot run this model"):
        mc_dropout(model, x, 4, "replicate")


# Restoration.


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_everything_is_restored_after_an_error_in_the_middle(error):
    class Failing(nn.Module):
        calls = 0

        def forward(self, x):
            Failing.calls += 1
            self.last = x
            if Failing.calls == 3:
                raise error
            return x

    layer = ours.BatchNormAct1d(6, p=0.5)
    model = nn.Sequential(layer, nn.Dropout(0.5).eval(), Failing()).train()
    x, modes = torch.randn(4, 6), [module.training for module in model.modules()]
    state = torch.random.get_rng_state()
    with pytest.raises(error):
        mc_dropout(model, x, 9, "loop", generator=seeded())
    assert [module.training for module in model.modules()] == modes
    assert not layer._forward_hooks
    assert not hasattr(model[2], "last")
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.is_grad_enabled()
    assert torch.equal(torch_functional.dropout(ones := torch.ones(9), 0.5, training=False), ones)


# Inputs.


def test_batches_of_every_form_give_what_one_tensor_gives():
    class Sum(nn.Module):
        def __init__(self):
            super().__init__()
            self.drop = nn.Dropout(0.5)

        def forward(self, a, b=0.0):
            return self.drop(a) + b

    x, y = torch.randn(7, 3), torch.randn(7, 3)

    def kept(inputs, **options):
        return mc_dropout(
            Sum(), inputs, 6, generator=seeded(), keep_samples=True, consistent=True, **options
        ).samples

    plain = kept((x, y))
    torch.testing.assert_close(kept({"a": x, "b": y}), plain)
    torch.testing.assert_close(kept((x, y), batch_size=2), plain)
    torch.testing.assert_close(kept({"a": x, "b": y}, batch_size=3), plain)
    loader = DataLoader(TensorDataset(x, torch.zeros(7)), batch_size=4)
    torch.testing.assert_close(kept(loader), kept(x))
    torch.testing.assert_close(kept([x[:3], x[3:]]), kept(x))
    forward = kept(
        DataLoader(TensorDataset(x, y), batch_size=4), forward=lambda model, batch: model(*batch)
    )
    torch.testing.assert_close(forward, plain)


def test_input_is_not_written_into_and_samples_start_from_it():
    model = nn.Sequential(nn.Dropout(0.5, inplace=True))
    x = torch.ones(4, 50)
    prediction = mc_dropout(model, x, 8, keep_samples=True)
    assert torch.equal(x, torch.ones(4, 50))
    assert (prediction.samples[-1] != 0).float().mean() > 0.2  # 1 / 2^8 if masks piled up


# Strategies.


def test_prediction_says_what_ran_and_why():
    body = nn.Sequential(*(nn.Conv2d(16, 16, 3, padding=1) for _ in range(8)))
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.5), nn.Linear(16, 2))
    prediction = mc_dropout(nn.Sequential(body, head), torch.randn(8, 16, 32, 32))
    assert prediction.strategy == "prefix"
    assert "of a pass comes before the first drop" in prediction.reason
    named = mc_dropout(head, torch.randn(2, 16, 3, 3), 4, "loop")
    assert (named.strategy, named.reason) == ("loop", "as asked")


class Deciding(nn.Module):
    """Looks at its data, which vmap cannot."""

    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        dropped = self.drop(x)
        return dropped if dropped.sum().item() > 0 else -dropped


def test_model_that_vmap_cannot_run_falls_back_in_auto_and_raises_when_named():
    x = torch.randn(4, 6)
    loop = mc_dropout(Deciding(), x, 20, "loop", generator=seeded())
    auto = mc_dropout(Deciding(), x, 20, generator=seeded())
    assert auto.strategy == "loop"
    torch.testing.assert_close(auto.mean, loop.mean)
    with pytest.raises(UnsupportedError, match="'prefix' cannot run this model: RuntimeError"):
        mc_dropout(Deciding(), x, 20, "prefix")
    with pytest.raises(UnsupportedError, match="Python looks at numbers after the first drop"):
        mc_dropout(Deciding(), x, 20, "replicate")


def test_recurrent_net_says_that_vmap_cannot_run_it():
    with pytest.raises(UnsupportedError, match="Batching rule not implemented"):
        mc_dropout(Recurrent(nn.GRU), torch.randn(4, 5, 6), 6, "prefix")


def test_auto_keeps_to_the_loop_where_rows_depend_on_one_another():
    model = nn.Sequential(
        nn.Dropout(0.3), nn.BatchNorm1d(6, track_running_stats=False), nn.Linear(6, 2)
    )
    x = torch.randn(4, 6)
    loop = mc_dropout(model, x, 24, "loop", generator=seeded(), keep_samples=True).samples
    auto = mc_dropout(model, x, 24, generator=seeded(), keep_samples=True).samples
    torch.testing.assert_close(auto, loop, atol=1e-5, rtol=1e-4)
    with pytest.raises(UnsupportedError, match="rows depend on one another"):
        mc_dropout(model, x, 24, "replicate")


# Parts of torch taken apart.


@pytest.mark.parametrize("need_weights", [True, False])
def test_attention_taken_apart_is_torchs_but_for_its_masks(need_weights):
    model, x = SelfAttention(need_weights).eval(), torch.randn(2, 5, 6)
    model.attention.dropout = 1e-9  # live, and too small a rate to drop anything
    found = mc_dropout(model, x, 2, "loop")
    torch.testing.assert_close(found.mean, model(x).detach(), atol=1e-6, rtol=1e-5)


def test_functional_attention_taken_apart_is_torchs_but_for_its_masks():
    model, x = Attention().eval(), torch.randn(2, 5, 6)
    model.attention_dropout = 1e-9
    found = mc_dropout(model, x, 2, "loop")
    torch.testing.assert_close(found.mean, model(x).detach(), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("masked", ["bool", "float"])
@pytest.mark.parametrize("enable_gqa", [True, False])
def test_attention_masks_and_groups_are_torchs(masked, enable_gqa):
    class Masked(nn.Module):
        def forward(self, q, k, rate=1e-9):
            seen = torch.ones(5, 5, dtype=torch.bool).tril()
            seen = seen if masked == "bool" else torch.zeros(5, 5).masked_fill(~seen, -math.inf)
            return torch_functional.scaled_dot_product_attention(
                q, k, k, seen, dropout_p=rate, scale=0.3, enable_gqa=enable_gqa
            )

    q, k = torch.randn(2, 4, 5, 8), torch.randn(2, 2 if enable_gqa else 4, 5, 8)
    found = mc_dropout(Masked(), (q, k), 2, "loop")
    torch.testing.assert_close(found.mean, Masked()(q, k, 0.0), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize("packed", [True, False])
def test_recurrent_nets_taken_apart_are_torchs_but_for_their_masks(kind, packed):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = kind(6, 8, num_layers=3, dropout=1e-9, bidirectional=True)

        def forward(self, x):
            x = x.transpose(0, 1)
            if packed:
                x = nn.utils.rnn.pack_padded_sequence(x, torch.tensor([5, 4, 2]))
            output, state = self.net(x)
            data = output.data if packed else output
            state = state[0] if kind is nn.LSTM else state
            return torch.cat([data.flatten(), state.flatten()])

    model, x = Net().eval(), torch.randn(3, 5, 6)
    found = mc_dropout(model, x, 2, "loop")
    torch.testing.assert_close(found.mean, model(x).detach(), atol=1e-6, rtol=1e-5)


# Errors.


@pytest.mark.parametrize(
    "model", [nn.Linear(6, 2), nn.Sequential(nn.Linear(6, 2), nn.Dropout(0.0))]
)
def test_model_in_which_nothing_drops_is_refused(model):
    with pytest.raises(ModelError, match="nothing drops in this model"):
        mc_dropout(model, torch.randn(4, 6))


def test_rates_of_zero_are_named():
    with pytest.raises(ModelError, match="Rates found: 1: 0"):
        mc_dropout(nn.Sequential(nn.Linear(6, 2), nn.Dropout(0.0)), torch.randn(4, 6))


def test_consistent_refuses_what_has_the_batch_elsewhere():
    class TimeFirst(nn.Module):
        def forward(self, x):
            return torch_functional.dropout(x.transpose(0, 1), 0.5).transpose(0, 1)

    with pytest.raises(UnsupportedError, match="batch as first dimension"):
        mc_dropout(TimeFirst(), torch.randn(4, 6, 3), consistent=True)
    net = nn.LSTM(6, 8, num_layers=2, dropout=0.5)
    with pytest.raises(UnsupportedError, match="batch_first=True"):
        mc_dropout(net, torch.randn(4, 6, 6), consistent=True, forward=lambda m, x: m(x)[0])


def test_consistent_refuses_a_model_that_draws_by_itself():
    class Noisy(nn.Module):
        def forward(self, x):
            return x + torch.rand_like(x)

    assert (mc_dropout(Noisy(), torch.randn(4, 6), 4).variance > 0).all()
    with pytest.raises(UnsupportedError, match="random numbers of its own"):
        mc_dropout(Noisy(), torch.randn(4, 6), consistent=True)


def test_statistics_of_classes_need_classes():
    model, x = around(nn.Dropout(0.5)), torch.randn(4, 6)
    with pytest.raises(ArgumentError, match="outputs='logits'"):
        _ = mc_dropout(model, x, 2).entropy
    with pytest.raises(ArgumentError, match="keep_samples=True"):
        _ = mc_dropout(model, x, 2).samples
    with pytest.raises(ArgumentError, match="sum to 1"):
        mc_dropout(model, x, 2, outputs="probabilities")
    with pytest.raises(ShapeError, match="C > 1 classes"):
        mc_dropout(nn.Sequential(model, nn.Linear(3, 1)), x, 2, outputs="logits")


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"model": "model"}, ArgumentTypeError, "needs a torch.nn.Module"),
        ({"samples": 0}, ArgumentError, "positive integer"),
        ({"strategy": "fast"}, ArgumentError, "'auto', 'prefix', 'replicate', 'loop'"),
        ({"outputs": "scores"}, ArgumentError, "'values', 'logits', 'probabilities'"),
        ({"batch_size": 0}, ArgumentError, "positive integer or None"),
        ({"inputs": 3}, ArgumentTypeError, "inputs have to be a tensor"),
        ({"inputs": []}, DataError, "no batch"),
        ({"inputs": (torch.ones(2, 6), torch.ones(3))}, ShapeError, "sizes 2, 3"),
        ({"generator": 3}, ArgumentTypeError, "torch.Generator"),
        ({"seed": 3}, ArgumentTypeError, "did you mean generator"),
        ({"forward": lambda model, x: (model(x),)}, ModelError, "is tuple"),
    ],
)
def test_wrong_arguments_are_explained(change, error, words):
    given = {"model": around(nn.Dropout(0.5)), "inputs": torch.ones(2, 6), **change}
    with pytest.raises(error, match=words):
        mc_dropout(**given)


def test_compiled_model_runs_as_it_was_written():
    model = around(nn.Dropout(0.5))
    compiled = torch.compile(model, backend="eager")
    x = torch.randn(4, 6)
    compiled.eval()(x)
    found = mc_dropout(compiled, x, 6, generator=seeded())
    expected = mc_dropout(model, x, 6, generator=seeded())
    torch.testing.assert_close(found.mean, expected.mean)
