"""Section 6: all three in one network, and in which order."""

from wolfsbane.learn.controls import Number, Options
from wolfsbane.learn.lesson import Claim, Prediction, Section, Step
from wolfsbane.learn.sections.settings import DATA, SEED

ORDERS = (
    ("norm-act-drop", "batch norm, ReLU, dropout"),
    ("norm-drop-act", "batch norm, dropout, ReLU"),
    ("act-norm-drop", "ReLU, batch norm, dropout"),
    ("act-drop-norm", "ReLU, dropout, batch norm"),
    ("drop-norm-act", "dropout, batch norm, ReLU"),
    ("drop-act-norm", "dropout, ReLU, batch norm"),
)
RATE = Number("p", "Drop probability p", 0, 0.9, 0.1, 0.5)

SHIFT = Step(
    name="variance-shift",
    title="The variance that batch norm learns",
    prediction=Prediction(
        question=(
            "In training, batch norm keeps a running variance of what reaches it; in evaluation it "
            "divides by that. How much larger is the variance that the first batch norm has "
            "learned than the variance that reaches it in evaluation?"
        ),
        choices=(
            "Less than 10% larger, or not at all",
            "10% to 50% larger",
            "More than 50% larger",
        ),
    ),
    task="variance_shift:variance_shift",
    controls=(
        Options("order", "After each linear layer", ORDERS, "drop-norm-act"),
        RATE,
        DATA,
        SEED,
    ),
    explanation=(
        "Dropout keeps the mean and raises the variance: of numbers with mean 0 to `1 / (1 - p)` "
        "times, of ReLU's, whose mean is not 0, to more. In evaluation it is off. A batch norm "
        "right after it therefore divides by too large a deviation for the rest of its life. Li "
        "et al. named this the variance shift ([2019](https://arxiv.org/abs/1801.05134)); the "
        "auditor reports it as WB111.\n\n"
        "With batch norm before dropout the first one is right. The second still sees the first "
        "block's dropout through a linear layer, which mixes the units and softens the shift, and "
        "does not remove it. The last table takes the statistics again with dropout off: whether "
        "that helps depends on what the layers after it have got used to."
    ),
    seconds=1,
)

ORDER = Step(
    name="order",
    title="Two orders, the same seeds",
    prediction=Prediction(
        question=(
            "Both orders are trained under the same seeds: same initial weights, examples and "
            "batches. What will the difference on the test examples be, with its 95% interval?"
        ),
        choices=(
            "The first order is better",
            "They cannot be told apart",
            "The second order is better",
        ),
    ),
    task="together:compare_orders",
    controls=(
        Options("first", "First order", ORDERS, "norm-act-drop"),
        Options("second", "Second order", ORDERS, "drop-norm-act"),
        Options(
            "measure",
            "Compared by",
            (("accuracy", "test accuracy"), ("nll", "negative log-likelihood")),
            "nll",
        ),
        RATE,
        DATA,
        Number("seeds", "Seeds", 3, 20, 1, 6),
        Number("epochs", "Epochs", 1, 60, 1, 30),
    ),
    explanation=(
        "One training of each would tell nothing: two seeds of the same network differ by as much "
        "as two orders do. So the difference is taken seed by seed, and the interval says what "
        "other seeds might have given. Where it contains 0, nothing may be concluded, and many an "
        "argument about the order ends there.\n\n"
        "Accuracy only counts answers. The negative log-likelihood also weighs how sure they are, "
        "and a wrong variance shows there first."
    ),
    seconds=6,
)

OWN = Step(
    name="own-module",
    title="A module of your own",
    prediction=Prediction(
        question=(
            "A class of your own holds linear layer, batch norm, ReLU and dropout; a network is "
            "made of two of them. After `model.eval()`, how many of the dropout and batch norm "
            "layers that a call passes are still in training mode?"
        ),
        choices=("None", "Some", "All"),
    ),
    task="own_module:registered",
    controls=(
        Options(
            "kept",
            "The network keeps its layers",
            (
                ("attributes", "as attributes"),
                ("module_list", "in an nn.ModuleList"),
                ("list", "in a Python list"),
                ("dict", "in a Python dict"),
                ("forward", "as attributes, and one dropout made in forward"),
            ),
            "list",
        ),
        SEED,
    ),
    explanation=(
        "`train()`, `eval()`, `parameters()`, `to()` and `state_dict()` walk over what a module "
        "has registered. An attribute that is a module is registered when it is assigned, and "
        "`nn.ModuleList` and `nn.ModuleDict` register what is in them. A list or a dict is "
        "Python's: the layers in it compute, and nobody else knows of them. They are not trained "
        "either.\n\n"
        "That is all it takes to have a collection of blocks of one's own: set the layers in "
        "`__init__`, use them in `forward`, and training, evaluation and saving need nothing more."
    ),
    seconds=1,
)

CLAIMS = (
    Claim(
        "Linear layer, `nn.BatchNorm1d(100)`, ReLU and dropout in one network: 100 is the number "
        "of units that the linear layer gives, and batch norm has two parameters and two running "
        "statistics for each.",
        """\
import torch
from torch import nn

model = nn.Sequential(
    nn.Linear(20, 100),
    nn.BatchNorm1d(100),
    nn.ReLU(),
    nn.Dropout(0.3),
    nn.Linear(100, 1),
    nn.Sigmoid(),
)
probability = model(torch.randn(32, 20))
norm = model[1]
print("output", tuple(probability.shape))
for name, value in norm.state_dict().items():
    print(f"batch norm's {name}: {tuple(value.shape)}")
assert probability.shape == (32, 1)
assert sum(parameter.numel() for parameter in norm.parameters()) == 200
assert norm.running_mean.shape == norm.running_var.shape == (100,)
""",
    ),
    Claim(
        "Dropout before ReLU and dropout after it are the same, number for number, with the same "
        "mask. Sigmoid is another matter: of a dropped 0 it makes 0.5.",
        """\
import torch
from torch import nn

drop, x = nn.Dropout(0.5), torch.randn(8, 6)
seed = int(torch.randint(1_000_000, ()))

def with_mask(function):
    torch.manual_seed(seed)
    return function()

for activation in (torch.relu, torch.sigmoid):
    before = with_mask(lambda: activation(drop(x)))
    after = with_mask(lambda: drop(activation(x)))
    equal = torch.equal(before, after)
    print(f"{activation.__name__}: before and after are equal: {equal}")
    assert equal == (activation is torch.relu)
""",
    ),
    Claim(
        "Dropout keeps the mean of what passes and makes the variance of numbers with mean 0 "
        "`1 / (1 - p)` times as large. A batch norm after it learns that.",
        """\
import torch
from torch import nn

p = 0.5
block = nn.Sequential(nn.Dropout(p), nn.BatchNorm1d(1, momentum=None))
x = torch.randn(100_000, 1)
block(x)                                      # training mode: statistics are taken
learned, met = block[1].running_var.item(), x.var().item()
print(f"learned {learned:.3f}, in evaluation {met:.3f}, ratio {learned / met:.3f}")
assert abs(learned / met - 1 / (1 - p)) < 0.1
""",
    ),
    Claim(
        "In training, a bias before batch norm changes nothing, since the mean is subtracted "
        "again. `bias=False` saves it.",
        """\
import torch
from torch import nn

norm, x = nn.BatchNorm1d(4), torch.randn(64, 4)
bias = 10 * torch.randn(4)
difference = (norm(x + bias) - norm(x)).abs().max().item()
print(f"biases {[round(value, 1) for value in bias.tolist()]}")
print(f"largest difference of the outputs: {difference:.1e}")
assert difference < 1e-4
""",
    ),
    Claim(
        "Nor does the scale of the weights before batch norm matter: ten times the weights, the "
        "same output.",
        """\
import torch
from torch import nn

norm, x = nn.BatchNorm1d(4), torch.randn(64, 8)
weight = torch.randn(4, 8)
once, ten_times = norm(x @ weight.T), norm(x @ (10 * weight).T)
difference = (once - ten_times).abs().max().item()
print(f"largest difference of the outputs: {difference:.1e}")
assert difference < 1e-3
""",
    ),
    Claim(
        "`model.eval()` reaches every registered layer, however deep, and `model.train()` brings "
        "all of them back.",
        """\
from torch import nn

class Hidden(nn.Module):
    def __init__(self, inputs, outputs, p):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU(), nn.Dropout(p)
        )

    def forward(self, x):
        return self.layers(x)

collection = nn.ModuleDict({"small": Hidden(20, 10, 0.1), "large": Hidden(20, 100, 0.5)})
model = nn.Sequential(collection["large"], nn.Linear(100, 2))
for mode in (False, True):
    model.train(mode)
    modes = {name or "the model": module.training for name, module in model.named_modules()}
    print(modes)
    assert set(modes.values()) == {mode}
""",
    ),
)

SECTION = Section(
    name="together",
    title="All three in one network",
    introduction=(
        "A hidden layer is most often written as linear layer, batch norm, activation, dropout. "
        "Each may stand alone, and each changes what the next one is given: dropout raises the "
        "variance that batch norm measures, batch norm decides on which side of ReLU's corner the "
        "numbers lie.\n\n"
        "So the order matters in principle. How much it matters is a question for measurements, "
        "with more than one seed."
    ),
    steps=(SHIFT, ORDER, OWN),
    claims=CLAIMS,
    items=(
        "together-modes",
        "together-commute",
        "together-order",
        "dropout-in-a-list",
        "together-plain-list",
        "together-state-dict",
        "norm-bias-before",
        "norm-weight-decay",
    ),
    rules=("WB111", "WB112", "WB205", "WB901", "WB902"),
)
