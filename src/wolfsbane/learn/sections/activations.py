"""Section 5: activations."""

from wolfsbane.learn.controls import Control, Number, Options, Switch
from wolfsbane.learn.lesson import Claim, Prediction, Section, Step
from wolfsbane.learn.sections.settings import ACTIVATIONS, SEED

NETWORK: tuple[Control, ...] = (
    Number("layers", "Hidden layers", 1, 5, 1, 2),
    Number("width", "Units in each hidden layer", 2, 64, 1, 32),
    SEED,
)

SPIRALS = Step(
    name="spirals",
    title="Spirals, with an activation and without",
    prediction=Prediction(
        question=(
            "Two networks with the same layers and the same initial weights learn which spiral a "
            "point lies on. One has the activation you choose, the other has none. Which of them "
            "will tell the spirals apart (95% of the points)?"
        ),
        choices=(
            "Only the one with the chosen activation",
            "Both",
            "Only the one without activation",
            "Neither",
        ),
    ),
    task="activations:separate",
    controls=(
        Options("activation", "Activation", ACTIVATIONS, "relu"),
        Options("spirals", "Spirals", (("2", "two"), ("3", "three")), "2"),
        *NETWORK,
    ),
    explanation=(
        "Without activation the regions are bounded by straight lines, however many layers there "
        "are: the next step shows why. An activation bends them. ReLU bends a straight line at a "
        "point, so its regions have corners; sigmoid, tanh and GELU bend it smoothly.\n\n"
        "What an activation makes possible still has to be learned. Sigmoid usually takes "
        "more steps than ReLU, and a network that is too narrow or has too few layers for the "
        "spirals fails with any of them: try two units."
    ),
    seconds=2,
)

COLLAPSE = Step(
    name="collapse",
    title="Many linear layers, one matrix",
    prediction=Prediction(
        question=(
            "Multiply all weight matrices of the stack, and put a single linear layer with that "
            "product in its place. How far are its outputs from the stack's?"
        ),
        choices=(
            "Equal, but for rounding",
            "A little off: at most 1% of the largest output",
            "More than 1% off",
        ),
    ),
    task="activations:collapse",
    controls=(
        Options("activation", "Activation between the layers", ACTIVATIONS, "none"),
        Number("layers", "Hidden layers", 1, 12, 1, 4),
        Number("width", "Units in each hidden layer", 1, 64, 1, 16),
        SEED,
    ),
    explanation=(
        "`W2 (W1 x + b1) + b2` is `(W2 W1) x + (W2 b1 + b2)`, and so on for any number of "
        "layers. The stack has many parameters and can express no more than one layer can. Two "
        "linear layers in a row are therefore nearly always a forgotten activation, which the "
        "auditor reports as WB404.\n\n"
        "With an activation in between, the product of the weights is another function altogether. "
        "One use of linear layers in a row remains: a narrow one between two wide ones makes a "
        "matrix of low rank with few parameters."
    ),
    seconds=1,
)

SATURATION = Step(
    name="saturation",
    title="What reaches the first layer",
    prediction=Prediction(
        question=(
            "The loss's gradient travels from the last layer back to the first. How much smaller "
            "is it at the first layer's weights than at the last one's, before the first step?"
        ),
        choices=(
            "Less than 10 times smaller, or not at all",
            "10 to 1,000 times smaller",
            "More than 1,000 times smaller",
        ),
    ),
    task="saturation:through_depth",
    controls=(
        Options(
            "activation",
            "Activation",
            (("sigmoid", "sigmoid"), ("tanh", "tanh"), ("relu", "ReLU")),
            "sigmoid",
        ),
        Number("layers", "Hidden layers", 1, 16, 1, 8),
        Number(
            "scale",
            "Factor on the initial weights",
            0.25,
            16,
            0.25,
            1,
            help="With large weights most values land where sigmoid and tanh are flat.",
        ),
        Switch("norm", "Batch norm before each activation"),
        SEED,
    ),
    explanation=(
        "On its way back the gradient is multiplied by each activation's slope. Sigmoid's is at "
        "most 1/4, so with every layer a good part is lost even where nothing is saturated; where "
        "values are far from 0 the slope is nearly 0, and the rest is lost too. Tanh's slope "
        "reaches 1, ReLU's is 1 for every positive value.\n\n"
        "Each network begins with the initialisation advised for its activation: Glorot's for "
        "sigmoid and tanh, He's for ReLU. Batch norm, switched on, scales every unit back to "
        "variance 1, and with it the gradients: the depth no longer matters so much."
    ),
    seconds=2,
)

DEAD = Step(
    name="dead-units",
    title="Units that died",
    prediction=Prediction(
        question=(
            "A network with two hidden layers of 64 units learns to tell spam. After 15 epochs, "
            "how many of the hidden units are 0 for every e-mail of the training set?"
        ),
        choices=("At most 1 in 20", "More, up to half of them", "More than half"),
    ),
    task="dead_units:dead_units",
    controls=(
        Options(
            "activation",
            "Activation",
            (("relu", "ReLU"), ("leaky_relu", "leaky ReLU"), ("gelu", "GELU")),
            "relu",
        ),
        Options(
            "learning_rate",
            "Learning rate of Adam",
            (("0.001", "0.001"), ("0.01", "0.01"), ("0.1", "0.1"), ("1", "1")),
            "0.1",
        ),
        Number("bias", "Added to every initial bias", -5, 2, 0.5, 0),
        SEED,
    ),
    explanation=(
        "A step that is too large can push a unit's bias so low that its input is negative for "
        "every example. ReLU's output is then 0, and so is its slope: no gradient reaches the "
        "unit's weights, and nothing brings it back except by luck, when the layer before "
        "changes. A bias that begins too low does the same at once.\n\n"
        "The network may still learn with the units that are left, which is why nobody notices. "
        "The auditor counts them while a network trains (WB405). Leaky ReLU keeps a slope of "
        "0.01 there; GELU's is small, but not 0 until far out."
    ),
    seconds=1,
)

CLAIMS = (
    Claim(
        "Sigmoid's slope is never more than 1/4, and tanh's never more than 1.",
        """\
import torch

x = torch.linspace(-10, 10, 2001, dtype=torch.float64, requires_grad=True)
for name, activation, most in (("sigmoid", torch.sigmoid, 0.25), ("tanh", torch.tanh, 1.0)):
    (slope,) = torch.autograd.grad(activation(x).sum(), x)
    at = x[slope.argmax()].item()
    print(f"{name}: greatest slope {slope.max().item():.4f}, at x = {abs(at):.2f}")
    assert slope.max() <= most + 1e-12
""",
    ),
    Claim(
        "No derivative of softmax is more than 1/4 in size, whatever the logits.",
        """\
import torch

logits = 5 * torch.randn(10, dtype=torch.float64)
slopes = torch.autograd.functional.jacobian(lambda z: z.softmax(0), logits)
print("probabilities", [round(p, 3) for p in logits.softmax(0).tolist()])
print(f"largest of the {slopes.numel()} derivatives: {slopes.abs().max().item():.4f}")
assert slopes.abs().max() <= 0.25 + 1e-12
""",
    ),
    Claim(
        "A linear layer answers at most three of XOR's four points rightly. With two ReLU units "
        "between, all four.",
        """\
import torch
from torch import nn

x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
y = torch.tensor([0.0, 1.0, 1.0, 0.0])

linear = nn.Linear(2, 1)
optimizer = torch.optim.Adam(linear.parameters(), lr=0.1)
for _ in range(200):
    optimizer.zero_grad()
    nn.functional.binary_cross_entropy_with_logits(linear(x).squeeze(1), y).backward()
    optimizer.step()
right = ((linear(x).squeeze(1) > 0) == (y > 0.5)).sum().item()
print("trained linear layer:", right, "of 4")
assert right <= 3

hidden = torch.relu(x @ torch.tensor([[1.0, 1.0], [1.0, 1.0]]) - torch.tensor([0.0, 1.0]))
answer = hidden @ torch.tensor([1.0, -2.0])
print("two ReLU units:", answer.tolist())
assert torch.equal(answer, y)
""",
    ),
    Claim(
        "A ReLU unit that is 0 for every example gets no gradient; a leaky one does.",
        """\
import torch
from torch import nn

x, target = torch.randn(64, 8), torch.randn(64, 1)
for activation in (nn.ReLU(), nn.LeakyReLU(0.01)):
    hidden, head = nn.Linear(8, 16), nn.Linear(16, 1)
    nn.init.constant_(hidden.bias, -100.0)
    loss = nn.functional.mse_loss(head(activation(hidden(x))), target)
    loss.backward()
    largest = hidden.weight.grad.abs().max().item()
    print(f"{activation}: largest gradient of the hidden weights {largest:.3g}")
    is_dead = largest == 0
    assert is_dead == isinstance(activation, nn.ReLU)
""",
    ),
    Claim(
        "Far to the right, float32 leaves a sigmoid no gradient at all: its output is rounded to "
        "exactly 1.",
        """\
import torch

x = torch.tensor([2.0, 8.0, 20.0], requires_grad=True)
y = torch.sigmoid(x)
y.sum().backward()
for value, output, slope in zip(x.tolist(), y.tolist(), x.grad.tolist()):
    print(f"x = {value:4.0f}   sigmoid {output:.9f}   slope {slope:.3g}")
assert y[2] == 1 and x.grad[2] == 0 and x.grad[1] > 0
""",
    ),
    Claim(
        "ReLU needs no parameters, and is the same in training and in evaluation; `nn.PReLU` "
        "learns its slope, and `nn.RReLU` draws it in training.",
        """\
import torch
from torch import nn

x = -torch.rand(1000)
for layer in (nn.ReLU(), nn.PReLU(), nn.RReLU()):
    layer.train()
    in_training = layer(x)
    layer.eval()
    in_evaluation = layer(x)
    parameters = sum(parameter.numel() for parameter in layer.parameters())
    same = torch.equal(in_training, in_evaluation)
    print(f"{layer}: {parameters} parameters, same in both modes: {same}")
    assert same != isinstance(layer, nn.RReLU)
    assert parameters == isinstance(layer, nn.PReLU)
""",
    ),
)

SECTION = Section(
    name="activations",
    title="Activations",
    introduction=(
        "Between two linear layers stands a function that is applied to every number by itself: "
        "`max(0, x)` for ReLU, `1 / (1 + exp(-x))` for sigmoid. It has no weights, or hardly any, "
        "and yet nothing works without it.\n\n"
        "Three things are to be seen here: that a network without activations is a linear model, "
        "whatever its depth; that an activation's slope decides how much of the gradient reaches "
        "the early layers; and that a ReLU can be lost for good."
    ),
    steps=(SPIRALS, COLLAPSE, SATURATION, DEAD),
    claims=CLAIMS,
    items=(
        "activation-relu",
        "activation-linear-stack",
        "activation-without",
        "activation-ten-sigmoids",
        "activation-centred",
        "activation-dips",
        "activation-saturated",
        "activation-dead",
    ),
    rules=("WB401", "WB402", "WB403", "WB404", "WB405", "WB406"),
)
