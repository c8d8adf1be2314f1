"""The dynamic graph: graphs, hooks and derivatives are what the section's steps say."""

import math

import pytest
import torch
from torch import nn

from learn.experiments.step_runs import all_of, last_of, outcome_of, run_step, texts_of
from wolfsbane.experiment.data import load, split
from wolfsbane.learn.blocks import Chart, Mark, Printed, Progress, Table
from wolfsbane.learn.experiments import dynamic_graph, hooks
from wolfsbane.learn.sections.dynamic_graph import SECTION


def tables_of(blocks):
    return [block for block in blocks if isinstance(block, Table)]


@pytest.mark.parametrize(
    ("norm", "times", "choice"),
    [(0.5, 0, 0), (1.5, 1, 1), (3.0, 2, 2), (12.0, 4, 2), (17.0, 5, 3), (200.0, 8, 3)],
)
@pytest.mark.parametrize("negative", [False, True])
def test_the_layer_is_in_the_graph_once_for_each_turn_of_the_loop(norm, times, choice, negative):
    blocks = run_step(SECTION, "control-flow", norm=norm, negative=negative)
    assert times == max(0, math.ceil(math.log2(norm)))
    (table,) = tables_of(blocks)
    nodes = [row[1].text for row in table.rows]
    assert nodes.count(dynamic_graph.LAYER_NODE) == times
    assert nodes[0] == ("SigmoidBackward0" if negative else "ReluBackward0")
    assert outcome_of(blocks).choice == choice


def test_the_program_that_is_shown_has_run():
    (printed,) = [
        block for block in run_step(SECTION, "control-flow") if isinstance(block, Printed)
    ]
    assert not printed.error
    assert "gradient of the input [[0.0625, 0.0625]]" in printed.output  # halved four times


@pytest.mark.parametrize(
    ("activation", "choice"), [("relu", 0), ("softplus", 1), ("tanh", 1), ("silu", 1)]
)
def test_only_relu_has_no_curvature(activation, choice):
    blocks = run_step(SECTION, "double-backward", activation=activation, seed=3)
    assert outcome_of(blocks).choice == choice


@pytest.mark.parametrize("activation", ["softplus", "tanh", "silu"])
def test_the_second_derivative_agrees_with_differences_of_the_same_mask_alone(activation):
    blocks = run_step(SECTION, "double-backward", activation=activation)
    (table,) = tables_of(blocks)
    twice, same, other = (float(row[1].text.replace(",", "")) for row in table.rows)
    assert same == pytest.approx(twice, rel=0.02, abs=1e-4)
    assert abs(other) > 10 * abs(twice)


def test_without_dropout_there_is_but_one_mask():
    (table,) = tables_of(run_step(SECTION, "double-backward", activation="tanh", p=0))
    twice, same, other = (float(row[1].text.replace(",", "")) for row in table.rows)
    assert other == same == pytest.approx(twice, rel=0.02)


def test_the_derivatives_of_a_known_function_are_known():
    model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Tanh()).double()
    with torch.no_grad():
        model[0].weight.fill_(2.0)
    x = torch.linspace(-1, 1, 7, dtype=torch.float64)
    output, slope, curvature = dynamic_graph.derivatives(model, x)
    expected = torch.tanh(2 * x)
    assert torch.allclose(output, expected)
    assert torch.allclose(slope, 2 * (1 - expected**2))
    assert torch.allclose(curvature, -8 * expected * (1 - expected**2))


def test_the_chart_has_output_and_both_derivatives():
    (chart,) = [block for block in run_step(SECTION, "double-backward") if isinstance(block, Chart)]
    assert [len(series.y) for series in chart.series] == [dynamic_graph.NUM_INPUTS] * 3
    assert set(chart.series[2].y) == {0.0}


@pytest.fixture(scope="module")
def watched():
    return run_step(SECTION, "hooks")


def small_network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 2)
    )


def test_hooks_see_what_each_layer_gives_in_either_mode():
    model, x = small_network(), torch.randn(20, 5)
    in_training, in_evaluation = hooks.outputs_in_both_modes(model, x)
    model.eval()
    outputs = []
    passed = x
    for layer in model:
        passed = layer(passed)
        outputs.append(passed)
    for seen, output in zip(in_evaluation, outputs, strict=True):
        assert torch.equal(seen.output, output)
    assert torch.equal(in_training[0].output, in_evaluation[0].output)
    assert (in_training[3].output == 0).sum() > (in_evaluation[3].output == 0).sum()


def test_looking_leaves_the_model_as_it_was_and_no_hook_behind():
    model = small_network()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    hooks.outputs_in_both_modes(model, torch.randn(20, 5))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert model.training
    assert not any(layer._forward_hooks for layer in model)


def test_the_table_of_layers_comes_after_each_epoch(watched):
    tables = all_of(watched, "layers")
    assert len(tables) == hooks.EPOCHS == len({str(table.rows) for table in tables})
    done = [block.done for block in watched if isinstance(block, Progress)]
    assert done == list(range(hooks.EPOCHS + 1))


def test_the_outcome_names_the_layer_that_changes_most(watched):
    rows = last_of(watched, "layers").rows
    changes = [float(row[4].text) for row in rows]
    assert outcome_of(watched).choice == changes.index(max(changes)) == 3
    assert rows[0][4].text == "0"
    assert rows[0][4].mark is Mark.NONE
    assert rows[1][4].mark is Mark.CHANGED


def test_in_small_batches_batch_norm_changes_more():
    few = last_of(run_step(SECTION, "hooks", batch_size=4), "layers")
    many = last_of(run_step(SECTION, "hooks", batch_size=400), "layers")
    assert float(texts_of(few, "batch norm")[3]) > 2 * float(texts_of(many, "batch norm")[3])


@pytest.mark.parametrize("change", hooks.CHANGES)
def test_a_hook_changes_the_answers_until_it_is_removed(change):
    blocks = run_step(SECTION, "hooks", change=change)
    before, during, after = ([cell.text for cell in row[1:]] for row in tables_of(blocks)[-1].rows)
    assert before == after != during


def test_the_accuracy_before_the_hook_is_that_of_a_plain_training(watched):
    data = split(load("spam"), hooks.TRAIN_SIZE, 0)
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(57, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 2)
    )
    optimizer = torch.optim.Adam(model.parameters())
    x = data.validation.x[:100]
    for _ in range(hooks.EPOCHS):
        for index in torch.randperm(500).split(hooks.BATCH_SIZE):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(data.train.x[index]), data.train.y[index]).backward()
            optimizer.step()
        hooks.outputs_in_both_modes(model, x)  # it draws a mask
    model.eval()
    right = (model(data.test.x).argmax(1) == data.test.y).float().mean().item()
    assert tables_of(watched)[-1].rows[0][1].text == f"{100 * right:.1f}%"
