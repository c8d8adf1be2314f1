"""Variants as text, as options, as factories."""

import pytest
import torch

import wolfsbane.nn
from wolfsbane.errors import ArgumentError, ArgumentTypeError, ModelError
from wolfsbane.experiment.data import load, split
from wolfsbane.experiment.networks import ACTIVATIONS
from wolfsbane.experiment.variants import (
    DEFAULT_VARIANTS,
    import_factory,
    make_variants,
    parse_variants,
)


@pytest.fixture(scope="module")
def data():
    return split(load("digits"), 100, seed=0)


def build(text, data):
    return make_variants(parse_variants(text))[-1].build(data)


def test_the_default_is_each_alone_and_both_together():
    assert parse_variants(DEFAULT_VARIANTS) == {
        "plain": {},
        "dropout": {"dropout": 0.5},
        "batchnorm": {"batchnorm": True},
        "batchnorm+dropout": {"batchnorm": True, "dropout": 0.5},
    }


def test_values_are_read_and_plain_is_put_first():
    assert parse_variants("dropout=0.2, activation=sigmoid,hidden=32+batchnorm=false") == {
        "plain": {},
        "dropout=0.2": {"dropout": 0.2},
        "activation=sigmoid": {"activation": "sigmoid"},
        "hidden=32+batchnorm=false": {"hidden": 32, "batchnorm": False},
    }


def test_plain_stays_where_it_is_listed():
    assert list(parse_variants("dropout,plain")) == ["dropout", "plain"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no variant in ''"),
        ("dropout,dropout", "'dropout' is named twice"),
        ("dropout=", "expected option=value"),
        ("dropout=0.1+dropout=0.2", "given twice"),
        ("+", "expected option=value"),
    ],
)
def test_text_that_means_nothing_is_refused(text, said):
    with pytest.raises(ArgumentError, match=said):
        parse_variants(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dropuot=0.5", r"'dropuot=0.5': unknown option 'dropuot': did you mean 'dropout'\?"),
        ("colour=red", r"unknown option 'colour'. There are: dropout, batchnorm"),
        ("dropout=30", r"variant 'dropout=30': dropout probability .* that is p=0.3"),
        ("dropout=much", r"dropout probability .* but got 'much'"),
        ("activation=relo", r"unknown activation 'relo'. There are: celu"),
        ("batchnorm=2", r"batchnorm is true or false, but got 2"),
        ("hidden=0", r"hidden has to be a positive integer up to 10000, but got 0"),
        ("layers=1.5", r"layers has to be a positive integer up to 10000, but got 1.5"),
    ],
)
def test_an_option_that_cannot_be_is_named(text, said):
    with pytest.raises((ArgumentError, ArgumentTypeError), match=said):
        make_variants(parse_variants(text))


def test_the_default_network_is_the_one_described(data):
    modules = [type(module) for module in build("batchnorm+dropout", data)]
    block = [torch.nn.Linear, wolfsbane.nn.BatchNorm1d, torch.nn.ReLU, wolfsbane.nn.Dropout]
    assert modules == [*block, *block, torch.nn.Linear]
    sizes = [tuple(p.shape) for p in build("plain", data).parameters() if p.dim() == 2]
    assert sizes == [(256, 64), (256, 256), (10, 256)]


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_every_activation_can_be_chosen(name, data):
    network = build(f"activation={name}", data)
    assert network(data.train.x[:3]).shape == (3, 10)


def test_without_an_activation_the_network_is_linear(data):
    network = build("activation=none", data).double()
    x, y = data.train.x[:5].double(), data.train.x[5:10].double()
    with torch.no_grad():
        middle = network((x + y) / 2)
        torch.testing.assert_close(middle, (network(x) + network(y)) / 2)


def test_pictures_get_convolutions_with_batch_norm():
    x = torch.randn(20, 3, 16, 16)
    from wolfsbane.experiment.data import Examples, Pool  # noqa: PLC0415

    pool = Pool("noise", "pictures", Examples(x, torch.arange(20) % 2), ("a", "b"))
    pictures = split(pool, 8, seed=0)
    network = build("batchnorm+dropout", pictures)
    assert sum(isinstance(m, wolfsbane.nn.BatchNorm2d) for m in network) == 3
    assert network(pictures.train.x).shape == (8, 2)


def test_a_factory_gets_the_options(data):
    seen = []

    def factory(dropout=0.0):
        seen.append(dropout)
        return torch.nn.Linear(64, 10)

    make_variants({"a": {"dropout": 0.3}}, factory)[0].build(data)
    assert seen == [0.3]


def test_an_option_that_the_factory_does_not_take_is_named():
    with pytest.raises(ArgumentError, match=r"unknown option 'droput': did you mean 'dropout'"):
        make_variants({"a": {"droput": 0.3}}, lambda dropout: torch.nn.Identity())


def test_a_module_instead_of_a_factory_is_refused():
    with pytest.raises(ArgumentTypeError, match=r"such as lambda: Linear\(...\)"):
        make_variants({"a": torch.nn.Linear(2, 2)})


@pytest.mark.parametrize("what", [None, 3, [("a", {})], {}])
def test_what_is_no_dictionary_of_variants_is_refused(what):
    with pytest.raises(ArgumentTypeError, match="a dictionary of names and options"):
        make_variants(what)


def test_a_factory_that_raises_is_named_with_its_line(data):
    def factory():
        raise RuntimeError("out of luck")

    with pytest.raises(ModelError, match=r"raised RuntimeError: out of luck \(.*test_variants.py:"):
        make_variants({"a": factory})[0].build(data)


def test_a_factory_that_returns_no_module_is_refused(data):
    with pytest.raises(ModelError, match="returned int"):
        make_variants({"a": lambda: 3})[0].build(data)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("mymodule", "expected module:factory"),
        (":f", "expected module:factory"),
        ("no_such_module_here:f", "cannot import 'no_such_module_here': ModuleNotFoundError"),
        ("math:no_such", "module 'math' has no function 'no_such'"),
        ("math:pi", "module 'math' has no function 'pi'"),
    ],
)
def test_a_path_to_no_factory_is_refused(path, said):
    with pytest.raises(ModelError, match=said):
        import_factory(path)
