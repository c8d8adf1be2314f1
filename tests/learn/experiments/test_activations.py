"""Activations: what the section's steps show agrees with what is computed another way."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from learn.experiments.step_runs import (
    all_of,
    grows,
    last_of,
    outcome_of,
    run_step,
    series_of,
    texts_of,
)
from wolfsbane.experiment.data import Examples
from wolfsbane.learn.blocks import Mark, Table
from wolfsbane.learn.experiments import activations, dead_units, saturation
from wolfsbane.learn.experiments.figures import figure
from wolfsbane.learn.experiments.spirals import EDGE, GRID, Points, build, draw_spirals, regions
from wolfsbane.learn.sections.activations import SECTION

TRUE_SLOPES = {
    "sigmoid": lambda x: torch.sigmoid(x) * (1 - torch.sigmoid(x)),
    "tanh": lambda x: 1 - torch.tanh(x) ** 2,
    "relu": lambda x: (x > 0).float(),
}


@pytest.fixture(scope="module")
def spirals():
    return run_step(SECTION, "spirals")


@pytest.fixture(scope="module")
def dead():
    return run_step(SECTION, "dead-units")


def trained_by_hand(activation, seed):
    points = draw_spirals(2, seed)
    torch.manual_seed(seed)
    model = build(activation, 2, 32, 2)
    optimizer = torch.optim.Adam(model.parameters(), activations.LEARNING_RATE)
    for _ in range(activations.STEPS):
        optimizer.zero_grad()
        functional.cross_entropy(model(points.x), points.y).backward()
        optimizer.step()
    return (model(points.x).argmax(1) == points.y).float().mean().item()


def test_the_last_accuracies_are_those_of_a_plain_training(spirals):
    chart = last_of(spirals, "accuracy")
    assert series_of(chart, "ReLU").y[-1] == pytest.approx(trained_by_hand("relu", 0))
    assert series_of(chart, "without").y[-1] == pytest.approx(trained_by_hand("none", 0))


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh", "gelu"])
@pytest.mark.parametrize("count", ["2", "3"])
def test_a_network_with_an_activation_tells_spirals_apart_and_one_without_does_not(
    activation, count
):
    blocks = run_step(SECTION, "spirals", activation=activation, spirals=count, seed=1)
    assert outcome_of(blocks).choice == 0
    assert series_of(last_of(blocks, "accuracy"), "without").y[-1] < 0.75


def test_neither_network_tells_spirals_apart_without_any_activation():
    blocks = run_step(SECTION, "spirals", activation="none")
    assert outcome_of(blocks).choice == 3
    first, second = last_of(blocks, "accuracy").series
    assert first.y == second.y


def test_one_narrow_layer_is_too_little_for_any_activation():
    assert outcome_of(run_step(SECTION, "spirals", layers=1, width=2)).choice == 3


def test_the_charts_of_spirals_grow_and_the_regions_change(spirals):
    assert grows(all_of(spirals, "accuracy"))
    shown = all_of(spirals, "regions-0")
    assert len(shown) == len(all_of(spirals, "accuracy"))
    assert shown[0].grid != shown[-1].grid
    assert texts_of(shown[-1].table, "all")[1] == "300"


def test_the_same_seed_gives_the_same_blocks_and_another_others(spirals):
    assert run_step(SECTION, "spirals") == spirals
    assert last_of(run_step(SECTION, "spirals", seed=2), "accuracy") != last_of(spirals, "accuracy")


def test_regions_are_what_the_model_answers_from_the_lowest_row_up():
    model = nn.Linear(2, 2, bias=False)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[0.0, 0.0], [1.0, 3.0]]))  # class 1 where x + 3 y > 0
    points = Points(torch.tensor([[0.5, 0.5], [-0.5, 0.1]]), torch.tensor([1, 0]), 2)
    shown = regions(model, points, "a line", "key")
    axis = [-EDGE + 2 * EDGE * place / (GRID - 1) for place in range(GRID)]
    unsure = 1e-5
    for row, y in zip(shown.grid, axis, strict=True):
        for answer, x in zip(row, axis, strict=True):
            assert answer == (x + 3 * y > 0) or abs(x + 3 * y) < unsure
    assert shown.points == ((0.5, 0.5, 1), (-0.5, 0.1, 0))


def test_spirals_have_as_many_points_each_and_begin_and_end_where_they_should():
    points = draw_spirals(3, 0)
    assert points.y.bincount().tolist() == [100, 100, 100]
    assert points.x.norm(dim=1).min() > 0.02
    assert points.x.norm(dim=1).max() < EDGE


@pytest.mark.parametrize("layers", [1, 6])
def test_a_linear_stack_equals_one_layer_and_the_figures_say_how_nearly(layers):
    blocks = run_step(SECTION, "collapse", layers=layers, width=8)
    torch.manual_seed(0)
    stack = build("none", layers, 8, 2)
    table = next(block for block in blocks if isinstance(block, Table))
    count = sum(parameter.numel() for parameter in stack.parameters())
    assert texts_of(table, "weights and biases") == [str(count), "6"]
    assert outcome_of(blocks).choice == 0
    linears = [module for module in stack if isinstance(module, nn.Linear)]
    weight, bias = activations.product_of(linears)
    x = torch.randn(5, 2)
    assert torch.allclose(stack(x), x @ weight.T + bias, atol=1e-6)


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
def test_with_an_activation_in_between_a_stack_is_no_product(activation):
    assert outcome_of(run_step(SECTION, "collapse", activation=activation)).choice == 2


@pytest.mark.parametrize("activation", TRUE_SLOPES)
def test_slopes_are_the_derivatives(activation):
    x = torch.linspace(-6, 6, 100)
    slope = saturation.slopes(saturation.ACTIVATIONS[activation](), x)
    assert torch.allclose(slope, TRUE_SLOPES[activation](x), atol=1e-6)
    assert slope.max() <= saturation.GREATEST_SLOPE[activation]


@pytest.mark.parametrize(("activation", "choice"), [("sigmoid", 2), ("tanh", 0), ("relu", 0)])
def test_deep_sigmoids_lose_the_gradient_and_the_others_do_not(activation, choice):
    blocks = run_step(SECTION, "saturation", activation=activation)
    outcome = outcome_of(blocks)
    assert outcome.choice == choice
    gradients = last_of(blocks, "first-gradients").series[0].y
    assert f"a factor of {figure(gradients[-1] / gradients[0])}" in outcome.text


def test_few_layers_or_batch_norm_let_the_gradient_through():
    for given in ({"layers": 1}, {"norm": True}):
        assert outcome_of(run_step(SECTION, "saturation", **given)).choice == 0


def test_the_first_gradients_are_those_of_one_backward_pass():
    blocks = run_step(SECTION, "saturation", layers=2)
    batch = saturation.split(saturation.load("spam"), saturation.TRAIN_SIZE, 0).train
    model = saturation._deep("sigmoid", 57, 2, 1.0, False, 0).model
    layers = [module for module in model if isinstance(module, nn.Linear)]
    x = batch.x
    for layer in layers[:-1]:
        x = 1 / (1 + torch.exp(-layer(x)))
    functional.cross_entropy(layers[-1](x), batch.y).backward()
    expected = [layer.weight.grad.norm().item() for layer in layers]
    assert last_of(blocks, "first-gradients").series[0].y == pytest.approx(expected, rel=1e-4)


def test_large_weights_saturate_sigmoids():
    tables = [
        next(b for b in run_step(SECTION, "saturation", scale=scale) if isinstance(b, Table))
        for scale in (1, 16)
    ]
    small, large = ([row[2] for row in table.rows] for table in tables)
    assert {cell.mark for cell in small} == {Mark.NONE}
    assert {cell.mark for cell in large} == {Mark.SATURATED}


def test_the_gradients_chart_is_redrawn_while_the_network_trains():
    blocks = run_step(SECTION, "saturation", layers=3)
    titles = [chart.title for chart in all_of(blocks, "gradients")]
    assert len(titles) == len(set(titles)) > 5
    assert grows(all_of(blocks, "accuracy"))


def test_a_unit_counts_as_dead_only_where_it_is_0_for_every_example():
    model = dead_units.build("relu", 2, 0.0)
    with torch.no_grad():
        for layer in (model[0], model[2]):
            layer.weight.fill_(1.0)
            layer.bias.fill_(1.0)
        model[0].bias[:3] = -10.0  # never
        model[0].bias[3] = -1.5  # for the second example alone
        model[2].bias[:5] = -1e4
    examples = Examples(torch.tensor([[0.0, 0.0], [1.0, 1.0]]), torch.tensor([0, 1]))
    assert dead_units.count_dead(model, examples) == (3, 5)


def test_the_counts_of_dead_units_agree_with_chart_table_and_outcome(dead):
    chart = last_of(dead, "dead")
    counts = [round(series.y[-1] * dead_units.WIDTH) for series in chart.series[:2]]
    table = next(block for block in dead if isinstance(block, Table))
    assert [int(row[2].text) for row in table.rows] == counts
    for row in table.rows:
        assert int(row[3].text) >= int(row[2].text)  # a dead unit gets no gradient
    assert outcome_of(dead).text.startswith(f"{sum(counts)} of 128 ")
    share = sum(counts) / 128
    assert outcome_of(dead).choice == (0 if share <= 0.05 else 1 if share <= 0.5 else 2)
    assert grows(all_of(dead, "dead"))


@pytest.mark.parametrize(
    ("given", "choice"),
    [
        ({"learning_rate": "0.001"}, 0),
        ({"learning_rate": "0.1"}, 1),
        ({"bias": -5}, 2),
        ({"bias": -5, "activation": "leaky_relu"}, 0),
    ],
)
def test_large_steps_and_low_biases_kill_relus(given, choice):
    assert outcome_of(run_step(SECTION, "dead-units", **given)).choice == choice


def test_every_bar_of_a_gradient_is_seen():
    for chart in all_of(run_step(SECTION, "saturation"), "gradients"):
        low, high = chart.y_range
        values = [value for series in chart.series for value in series.y if value]
        assert low < min(values)
        assert max(values) <= high
