"""What is tuned: the default network, factories, models; and how each is refused."""

import functools
import os
import pickle

import joblib
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import GRU, Dropout, Linear, Module, ReLU, Sequential

from wolfsbane import nn
from wolfsbane.errors import ArgumentError, ArgumentTypeError, ModelError, WolfsbaneWarning
from wolfsbane.experiment.data import load, split
from wolfsbane.tuning.dimensions import Choice, Rate
from wolfsbane.tuning.space import Configuration, make_space
from wolfsbane.tuning.subject import make_subject


def configuration(**values):
    return Configuration(tuple(values.items()))


def rates(model):
    return [module.p for module in model.modules() if isinstance(module, Dropout)]


@pytest.fixture(scope="module")
def data():
    return split(load("digits"), 100, seed=0)


class Network(Module):
    """Two layer groups with rates, and one rate that cannot be set."""

    def __init__(self):
        super().__init__()
        self.encoder = Sequential(Linear(4, 4), Dropout(0.1), Linear(4, 4), Dropout(0.2))
        self.head = Sequential(Dropout(0.3), Linear(4, 2))
        self.recurrent = GRU(4, 4, dropout=0.0)

    def forward(self, x):
        return self.head(self.encoder(x))


class WithConstant(Network):
    def forward(self, x):
        return F.dropout(super().forward(x), 0.25, self.training)


def test_the_default_network_is_searched_over_its_dropout(data):
    subject = make_subject()
    assert subject.space == make_space({"dropout": Rate(0, 0.9)})
    assert subject.built_by == "the default network"
    assert rates(subject.build(configuration(dropout=0.3), data)) == [0.3, 0.3]
    assert rates(subject.build(subject.space.baseline, data)) == []


def test_options_of_the_default_network_are_dimensions(data):
    space = {"dropout": Rate(), "batchnorm": Choice(False, True), "hidden": Choice(8, 16)}
    network = make_subject(None, space).build(
        configuration(dropout=0.5, batchnorm=True, hidden=16), data
    )
    assert [type(module) for module in network][:4] == [Linear, nn.BatchNorm1d, ReLU, nn.Dropout]
    assert network[0].out_features == 16


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ({"dropuot": Rate()}, r"space: unknown option 'dropuot': did you mean 'dropout'\?"),
        ({"hidden": Rate()}, "space: hidden has to be a positive integer .* but got 0.0"),
        (
            {"dropout": Rate(), "activation": Choice("relu", "relo")},
            "space: unknown activation 'relo'",
        ),
        ({"dropout": Choice(0.1, 30), "p": Rate()}, "that is p=0.3"),
    ],
)
def test_an_option_that_the_default_network_cannot_have_is_refused_at_once(space, said):
    with pytest.raises((ArgumentError, ArgumentTypeError), match=said):
        make_subject(None, space)


def test_the_default_network_needs_data_that_is_split():
    with pytest.raises(ArgumentError, match="is built for data that wolfsbane splits"):
        make_subject().build(configuration(dropout=0.0), None)


def mlp(width=4, dropout=0.0, activation="relu"):
    function = {"relu": ReLU, "gelu": torch.nn.GELU}[activation]
    return Sequential(Linear(4, width), function(), Dropout(dropout), Linear(width, 2))


def test_a_factory_gets_the_configuration_as_keyword_arguments():
    subject = make_subject(mlp, {"dropout": Rate(), "activation": Choice("relu", "gelu")})
    model = subject.build(configuration(dropout=0.4, activation="gelu"), None)
    assert rates(model) == [0.4]
    assert type(model[1]) is torch.nn.GELU
    assert subject.built_by == f"{__name__}:mlp"


def test_weights_of_a_factory_follow_the_random_state():
    subject = make_subject(mlp)
    weights = []
    for seed, p in ((0, 0.1), (0, 0.7), (1, 0.1)):
        torch.manual_seed(seed)
        weights.append(subject.build(configuration(dropout=p), None)[0].weight)
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_checking_a_factory_leaves_the_random_state_alone():
    before = torch.get_rng_state()
    assert make_subject(mlp).fingerprint
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("factory", "names"),
    [
        (lambda p: Sequential(Dropout(p)), ["p"]),
        (lambda drop=0, *, dropout_p: Dropout(drop), ["drop", "dropout_p"]),
        (lambda attention_dropout=0.1, drop_path=0.0: ReLU(), ["attention_dropout", "drop_path"]),
        (lambda p=0.5, dropout=1.0: ReLU(), ["p", "dropout"]),
        (lambda width=0.5, p=2.0, drop_last=False, drop=None, dropout=0.1: ReLU(), ["dropout"]),
        (lambda dropout_keep_prob=0.9, drop_layers=0, p_drop=0.0: ReLU(), ["p_drop"]),
    ],
)
def test_arguments_that_are_rates_by_their_names_are_the_space(factory, names):
    def with_weights(*arguments, **options):
        return Sequential(Linear(2, 2), factory(*arguments, **options))

    found = make_subject(functools.wraps(factory)(with_weights))
    assert found.space == make_space(dict.fromkeys(names, Rate(0, 0.9)))


def test_a_class_is_a_factory():
    class Net(Module):
        def __init__(self, dropout=0.5):
            super().__init__()
            self.layers = Sequential(Linear(2, 2), Dropout(dropout))

    subject = make_subject(Net)
    assert subject.space.names == ("dropout",)
    assert rates(subject.build(subject.space.extreme, None)) == [0.9]


def empty(p=0.5):
    return Sequential(ReLU(), Dropout(p))


ONE = mlp()


@pytest.mark.parametrize(
    ("factory", "space", "said"),
    [
        (lambda width=4: mlp(width), None, "has no argument that is a drop rate .* are: width. Na"),
        (lambda **options: mlp(8, **options), None, r"such as dropout=0.0; its arguments are: opt"),
        (mlp, {"droput": Rate()}, r"space: unknown option 'droput': did you mean 'dropout'\?"),
        (
            lambda n, p: mlp(n, dropout=p),
            None,
            r"needs 'n' too, .* functools.partial\(factory, n=...\)",
        ),
        (empty, None, "p=0: the model has no parameters to train"),
        (lambda p: ONE, None, "p=0: its factory returns a module that was returned before"),
        (lambda p: 3, None, "p=0: the model factory has to return a torch.nn.Module, but .* int"),
        (lambda p: mlp(dropout=2 * p), None, r"p=0.9: the model factory raised .*test_subject.py:"),
        (
            lambda p, act: mlp(4, p, act),
            {"p": Rate(), "act": Choice("relu", "relo")},
            "p=0, act=relo: the model factory raised KeyError: 'relo'",
        ),
        (3, None, r"model is a torch.nn.Module .* but got 3 \(of type int\)"),
        ("mymodels:net", None, "model is a torch.nn.Module .* but got 'mymodels:net'"),
        (mlp, {"dropout": 0.5}, "'dropout' has to be a Rate or a Choice"),
    ],
)
def test_a_factory_that_does_not_fit_is_refused_before_anything_is_trained(factory, space, said):
    with pytest.raises((ArgumentError, ArgumentTypeError, ModelError), match=said):
        make_subject(factory, space)


def test_a_factory_without_a_signature_is_given_what_the_space_names():
    subject = make_subject(functools.partial(mlp, 8), {"dropout": Rate()})
    assert subject.build(configuration(dropout=0.2), None)[0].out_features == 8


def test_the_fingerprint_tells_what_a_factory_builds():
    def factory_of(width):
        return lambda p: mlp(width, p)

    one, same, other = (make_subject(factory_of(width)).fingerprint for width in (4, 4, 8))
    assert one == same
    assert one != other


def test_a_model_has_one_rate_for_all_by_default():
    subject = make_subject(Network())
    assert subject.space.dimensions == (("p", Rate(0, 0.9)),)
    assert rates(subject.build(configuration(p=0.45), None)) == [0.45] * 3
    assert rates(subject.build(subject.space.baseline, None)) == [0.0] * 3
    assert subject.built_by == "a copy of Network"


def test_the_one_rate_of_a_model_may_have_other_bounds():
    subject = make_subject(Network(), {"p": Rate(0.1, 0.4, 0.1)})
    assert rates(subject.build(subject.space.extreme, None)) == [0.4] * 3


@given(st.floats(0, 0.5), st.floats(0, 0.9))
def test_patterns_set_what_they_match_and_leave_the_rest(encoder, head):
    subject = make_subject(Network(), {"encoder.1": Rate(0, 0.5), "head": Rate()})
    chosen = Configuration((("encoder.1", encoder), ("head", head)))
    assert rates(subject.build(chosen, None)) == [encoder, 0.2, head]


def test_the_last_of_several_patterns_wins():
    subject = make_subject(Network(), {"*": Rate(), "head": Rate()})
    chosen = Configuration((("*", 0.6), ("head", 0.1)))
    assert rates(subject.build(chosen, None)) == [0.6, 0.6, 0.1]


def test_every_copy_has_the_models_weights_and_the_model_stays():
    model = Network().eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    subject = make_subject(model)
    copies = [subject.build(configuration(p=p), None) for p in (0.0, 0.5)]
    with torch.no_grad():
        for parameter in copies[0].parameters():
            parameter.zero_()
    for name, value in before.items():
        assert torch.equal(copies[1].state_dict()[name], value)
        assert torch.equal(model.state_dict()[name], value)
    assert rates(model) == [0.1, 0.2, 0.3]
    assert not model.training


class Uncopied(Network):
    def __deepcopy__(self, memo):
        raise RuntimeError("one of a kind")


class Learned(Module):
    def __init__(self):
        super().__init__()
        self.net = Sequential(Linear(2, 2), GRU(2, 2, dropout=0.0))
        self.drop = nn.ConcreteDropout(Linear(2, 2), 100)

    def forward(self, x):
        return self.drop(self.net(x))


@pytest.mark.parametrize(
    ("model", "space", "said"),
    [
        (Linear(2, 2), None, r"Linear has no drop rate that can be set. .*insert_dropout\(model"),
        (Sequential(Linear(2, 2), GRU(2, 2)), None, "no drop rate .* GRU, .* in 1: it has one lay"),
        (Sequential(Dropout(0.1)), None, "Sequential has no parameters to train"),
        (Uncopied(), None, r"Uncopied cannot be copied: RuntimeError: one of a kind. Give a funct"),
        (Network(), {"encodr.*": Rate()}, "no drop rate is in what 'encodr.\\*' matches"),
        (Network(), {"recurrent": Rate()}, "no drop rate that 'recurrent' matches can be set: GRU"),
        (Network(), {"head": Rate(), "*": Rate()}, "'head' matches is matched by a later pattern"),
        (Network(), {"p": Rate(), "act": Choice(1, 2)}, "'act' is a Choice, .* lambda act, p: ..."),
        (Network(), {"p": Rate(), "head": Rate()}, "no drop rate is in what 'p' matches"),
    ],
)
def test_a_model_that_does_not_fit_is_refused_before_anything_is_trained(model, space, said):
    with pytest.raises((ArgumentError, ModelError), match=said):
        make_subject(model, space)


def test_what_drops_whatever_is_chosen_is_named():
    with pytest.warns(
        WolfsbaneWarning, match=r"cannot be set; .* too. F.dropout: written in the so"
    ):
        make_subject(WithConstant())


def test_rates_that_are_all_learned_cannot_be_set():
    with pytest.raises(ModelError, match=r"no drop rate that can be set; .*it is learned"):
        make_subject(Learned())


def test_the_fingerprint_of_a_model_tells_its_weights():
    torch.manual_seed(0)
    one = make_subject(Network()).fingerprint
    assert make_subject(Network()).fingerprint != one
    torch.manual_seed(0)
    assert make_subject(Network()).fingerprint == one


def test_subjects_travel_to_other_processes(data):
    """A lambda, a local class and a model: what a notebook has, which plain pickle refuses."""

    class Local(Module):
        def __init__(self, p):
            super().__init__()
            self.layers = Sequential(Linear(64, 10), Dropout(p))

        def forward(self, x):
            return self.layers(x)

    subjects = [
        make_subject(),
        make_subject(lambda p: Sequential(Local(p))),
        make_subject(Local(0.1)),
    ]
    with pytest.raises((AttributeError, pickle.PicklingError)):
        pickle.dumps(subjects[1])

    def found(subject):
        model = subject.build(subject.space.extreme, data)
        probabilities = [m.p for m in model.modules() if isinstance(m, torch.nn.Dropout)]
        return os.getpid(), model(data.train.x[:2]).shape, probabilities, subject.space

    executor = joblib.externals.loky.get_reusable_executor(max_workers=1)
    try:
        results = list(executor.map(found, subjects))
    finally:
        executor.shutdown()
    for subject, (process, shape, probabilities, space) in zip(subjects, results, strict=True):
        assert process != os.getpid()
        assert shape == (2, 10)
        assert set(probabilities) == {0.9}
        assert space == subject.space
