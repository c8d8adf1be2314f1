"""Section 7: the dynamic graph."""

from wolfsbane.learn.controls import Number, Options, Switch
from wolfsbane.learn.lesson import Claim, Prediction, Section, Step
from wolfsbane.learn.sections.settings import SEED

RATE = Number("p", "Drop probability p", 0, 0.9, 0.1, 0.5)

CONTROL_FLOW = Step(
    name="control-flow",
    title="A loop and a branch in forward",
    prediction=Prediction(
        question=(
            "`forward` applies one layer, which halves its input, while the input's norm is more "
            "than 1. Then it applies ReLU if the numbers' sum is positive, sigmoid otherwise. How "
            "often will the layer be in the graph that backward goes through?"
        ),
        choices=(
            "Not at all: Python's loops are not recorded",
            "Once: it is one layer",
            "Two to four times",
            "Five times or more",
        ),
    ),
    task="dynamic_graph:control_flow",
    controls=(
        Number("norm", "Norm of the input", 0.5, 200, 0.5, 12),
        Switch("negative", "Negative numbers", help="Then the sum is negative too."),
    ),
    explanation=(
        "The graph is not written down beforehand. Each operation on a tensor that needs a "
        "gradient leaves a node as it is computed, so the graph holds just what ran: the layer "
        "once for each turn of the loop, and one of the two activations. Every call makes a new "
        "graph, and `backward` frees it.\n\n"
        "That is why a layer in training mode can draw a new mask in every call, and why `if "
        "self.training:` in `forward` works. The weights are the same in each turn; their "
        "gradients add up."
    ),
    seconds=1,
)

HOOKS = Step(
    name="hooks",
    title="Hooks on a network that trains",
    prediction=Prediction(
        question=(
            "Hooks record the output of every layer for the same e-mails, once in training mode "
            "and once in evaluation mode. Whose output differs most, in proportion to its spread, "
            "when the training ends?"
        ),
        choices=(
            "The first linear layer's",
            "Batch norm's",
            "ReLU's",
            "Dropout's",
            "The last linear layer's",
        ),
    ),
    task="hooks:watch_layers",
    controls=(
        RATE,
        Number("batch_size", "E-mails in the batch that is looked at", 2, 500, 1, 100),
        Options(
            "change",
            "In the end, a hook that",
            (
                ("silence", "sets half of ReLU's units to 0"),
                ("double", "doubles ReLU's output"),
                ("negate", "changes the sign of ReLU's output"),
            ),
            "silence",
        ),
        SEED,
    ),
    explanation=(
        "The first linear layer gives the same numbers in both modes. Batch norm uses the batch's "
        "statistics in training and its running ones in evaluation: the fewer e-mails, the larger "
        "the difference. Dropout's zeros are there in training alone. What comes later sees all of "
        "that together.\n\n"
        "A forward hook is called after each `forward` with the module, its inputs and its output. "
        "If it returns nothing, it only watches; what it does return replaces the output. "
        "`handle.remove()` ends it. A hook that stays behind is a common reason for a model that "
        "behaves strangely."
    ),
    seconds=1,
)

TWICE = Step(
    name="double-backward",
    title="Backward through backward",
    prediction=Prediction(
        question=(
            "A network of one input and two hidden layers is differentiated by its input, and the "
            "result once more. What is the second derivative?"
        ),
        choices=(
            "0 for every input",
            "Not 0 for some input",
            "Torch raises an error: the graph is freed",
        ),
    ),
    task="dynamic_graph:second_derivative",
    controls=(
        Options(
            "activation",
            "Activation",
            (("relu", "ReLU"), ("softplus", "softplus"), ("tanh", "tanh"), ("silu", "SiLU")),
            "relu",
        ),
        Number("p", "Drop probability p", 0, 0.9, 0.1, 0.3),
        SEED,
    ),
    explanation=(
        "With `create_graph=True` the gradient is itself computed by recorded operations, so it "
        "can be differentiated again. A network with ReLU is made of straight pieces: its slope "
        "jumps from one piece to the next, and between the jumps the second derivative is 0. What "
        "needs curvature, such as a physical law in the loss, needs a smooth activation.\n\n"
        "Dropout is a multiplication by its mask, and the graph keeps the mask: both backward "
        "passes use the one of the call that they belong to."
    ),
    seconds=1,
)

CLAIMS = (
    Claim(
        "The gradient goes through dropout's mask: 0 where a value was dropped, `1 / (1 - p)` "
        "where it was kept.",
        """\
import torch
from torch import nn

drop = nn.Dropout(0.25)
x = torch.rand(10) + 1
x.requires_grad_()
y = drop(x)
y.sum().backward()
print("output  ", [round(value, 3) for value in y.tolist()])
print("gradient", [round(value, 3) for value in x.grad.tolist()])
kept = y != 0
assert torch.equal(x.grad != 0, kept)
assert torch.allclose(x.grad[kept], torch.tensor(1 / 0.75))
""",
    ),
    Claim(
        "A block that is skipped in one call gets no gradient in that call; the weights of the "
        "others do.",
        """\
import torch
from torch import nn

blocks = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))
skipped = int(torch.randint(3, ()))
x = torch.randn(8, 4)
for number, block in enumerate(blocks):
    if number != skipped:
        x = x + torch.tanh(block(x))
x.square().mean().backward()
for number, block in enumerate(blocks):
    print("block", number, "skipped" if number == skipped else "used",
          "gradient:", block.weight.grad is not None)
    assert (block.weight.grad is None) == (number == skipped)
""",
    ),
    Claim(
        "A layer that is used twice in one call gets the sum of both gradients.",
        """\
import torch
from torch import nn

layer, x = nn.Linear(3, 3), torch.randn(5, 3)
layer(torch.tanh(layer(x))).sum().backward()
together = layer.weight.grad.clone()

first, second = nn.Linear(3, 3), nn.Linear(3, 3)
first.load_state_dict(layer.state_dict())
second.load_state_dict(layer.state_dict())
second(torch.tanh(first(x))).sum().backward()
apart = first.weight.grad + second.weight.grad
print("largest difference:", (together - apart).abs().max().item())
assert torch.allclose(together, apart, atol=1e-5)
""",
    ),
    Claim(
        "A gradient penalty needs `create_graph=True`: without, the penalty is a number that no "
        "weight knows of.",
        """\
import torch
from torch import nn

model = nn.Sequential(nn.Linear(4, 16), nn.Softplus(), nn.Linear(16, 1))
for create_graph in (False, True):
    x = torch.randn(8, 4, requires_grad=True)
    (gradient,) = torch.autograd.grad(model(x).sum(), x, create_graph=create_graph)
    penalty = gradient.square().sum()
    print(f"create_graph={create_graph}: the penalty can be differentiated:",
          penalty.requires_grad)
    assert penalty.requires_grad == create_graph
penalty.backward()
print("gradient of the first weights:", model[0].weight.grad.norm().item())
assert model[0].weight.grad.norm() > 0
""",
    ),
    Claim(
        "What a forward hook returns takes the output's place, in training and in evaluation "
        "alike, until it is removed.",
        """\
import torch
from torch import nn

model = nn.Sequential(nn.Linear(4, 4), nn.ReLU()).eval()
x = torch.randn(6, 4)
before = model(x)
handle = model[1].register_forward_hook(lambda module, inputs, output: output + 1)
during = model(x)
handle.remove()
after = model(x)
print("mean before, with the hook, after:",
      *(round(y.mean().item(), 4) for y in (before, during, after)))
assert torch.equal(during, before + 1)
assert torch.equal(after, before)
""",
    ),
    Claim(
        "Calling `model.forward(x)` instead of `model(x)` calls no hooks.",
        """\
import torch
from torch import nn

layer, calls = nn.Linear(2, 2), []
layer.register_forward_hook(lambda module, inputs, output: calls.append(1))
x = torch.randn(3, 2)
layer.forward(x)
print("after layer.forward(x):", len(calls))
assert len(calls) == 0
layer(x)
print("after layer(x):", len(calls))
assert len(calls) == 1
""",
    ),
)

SECTION = Section(
    name="dynamic-graph",
    title="The dynamic graph",
    introduction=(
        "PyTorch writes the graph of a computation down while it computes. Ordinary Python decides "
        "what is computed: loops, conditions, random numbers, `self.training`. That makes layers "
        "such as dropout a few lines long.\n\n"
        "Whoever knows the graph can look into a network that trains, change what passes through "
        "it, and differentiate derivatives."
    ),
    steps=(CONTROL_FLOW, HOOKS, TWICE),
    claims=CLAIMS,
    items=(
        "dropout-made-in-forward",
        "dropout-no-grad",
        "norm-no-grad",
        "together-hook",
        "together-curvature",
        "activation-in-place",
    ),
    rules=("WB105", "WB306", "WB407"),
)
