"""Section 9: what goes wrong."""

from wolfsbane.learn.controls import Number, Options, Switch
from wolfsbane.learn.lesson import Claim, Prediction, Section, Step
from wolfsbane.learn.sections.rules import RULES
from wolfsbane.learn.sections.settings import DATA, SEED

ONE = Step(
    name="one-mistake",
    title="A mistake, and its repaired twin",
    prediction=Prediction(
        question=(
            "Choose a mistake. A program that makes it is run as it stands. What will torch "
            "itself say?"
        ),
        choices=(
            "It raises an error",
            "It warns, and the program goes on",
            "Nothing: the program runs to its end",
        ),
    ),
    task="mistakes:one_mistake",
    controls=(
        Options(
            "rule", "Mistake", tuple((code, f"{code} {name}") for code, name in RULES), "WB203"
        ),
    ),
    explanation=(
        "Torch can only object to what it cannot compute. A program that computes something else "
        "than was meant looks to it like any other. So the auditor looks for the mistake itself: "
        "in the program's text (`wolfsbane check`), in the model that it built "
        "(`audit.check_model`), or while it trains (`wolfsbane run`).\n\n"
        "Each rule has a page that says what it does, why that is bad, and when to ignore it."
    ),
    seconds=1,
)

ALL = Step(
    name="all-mistakes",
    title="Who notices",
    prediction=Prediction(
        question=(
            "Every rule's program is run once. In how many of them does torch notice anything, by "
            "an error or by a warning?"
        ),
        choices=("In none", "In at most one of four", "In more than one of four"),
    ),
    task="mistakes:all_mistakes",
    controls=(
        Options(
            "family",
            "Rules",
            (
                ("WB", "all"),
                ("WB1", "about dropout"),
                ("WB2", "about modes"),
                ("WB3", "about batch norm"),
                ("WB4", "about activations and losses"),
                ("WB9", "matters of opinion"),
            ),
            "WB",
        ),
    ),
    explanation=(
        "A program with one of the others trains, and its loss may well fall. So such mistakes "
        "live for years in published code; many of the rules' pages name a repository in which one "
        "was found.\n\n"
        "A rule is seen in the text, in the model, in the run, or in several of them; the run sees "
        "most, since it also knows the numbers."
    ),
    seconds=2,
)

FORGOTTEN = Step(
    name="forgotten-train",
    title="train() once is not enough",
    prediction=Prediction(
        question=(
            "Two loops, the same but for one line: the first calls `model.train()` at the start of "
            "each epoch, the second once before the first epoch. Both call `model.eval()` to look "
            "at the validation examples. Where does the second loop's training loss end?"
        ),
        choices=(
            "Lower than the first's",
            "At the same value, to within 5%",
            "Higher than the first's",
        ),
    ),
    task="live_mistakes:forgotten_train",
    controls=(
        Options("data", DATA.label, DATA.options, "spam"),
        Number("p", "Drop probability p", 0, 0.9, 0.1, 0.5),
        Switch("norm", "Batch norm before each activation"),
        Number("epochs", "Epochs", 2, 100, 1, 60),
        SEED,
    ),
    explanation=(
        "After the first look at the validation examples the second loop trains on in evaluation "
        "mode: dropout drops nothing any more. Its training loss falls faster, as it would without "
        "dropout, and nothing looks wrong. What that does to the test loss depends on whether "
        "dropout was of use; compare both data sets, and more epochs.\n\n"
        "Call `train()` where training begins, in each epoch. With neither dropout nor batch norm "
        "the two loops are one and the same, number for number."
    ),
    seconds=3,
)

SOFTMAX = Step(
    name="before-the-loss",
    title="A loss that cannot fall",
    prediction=Prediction(
        question=(
            "`cross_entropy` is given the logits by one network. By the other it is given what you "
            "choose. How low will the second's training loss come?"
        ),
        choices=("Below 0.1", "Between 0.1 and 1", "Not below 1"),
    ),
    task="live_mistakes:before_the_loss",
    controls=(
        DATA,
        Options(
            "end",
            "Between logits and loss",
            (
                ("softmax", "softmax"),
                ("sigmoid", "sigmoid"),
                ("relu", "ReLU"),
                ("log_softmax", "log-softmax"),
                ("none", "nothing"),
            ),
            "softmax",
        ),
        Number("epochs", "Epochs", 2, 100, 1, 30),
        SEED,
    ),
    explanation=(
        "`cross_entropy` applies log-softmax itself. Probabilities lie between 0 and 1, so taken "
        "for logits they are nearly equal, and even a network that is sure and right is told that "
        "it is not: the loss cannot fall below the line in the "
        "chart, `log(1 + (C - 1) / e)` with `C` classes. The answers may still be "
        "right, since the largest stays the largest.\n\n"
        "ReLU cannot give a negative logit, and passes no gradient where it gives 0. Log-softmax "
        "alone does no harm: applied twice, it changes nothing more."
    ),
    seconds=1,
)

CLAIMS = (
    Claim(
        "A rate in per cent is an error, and so is an argument that `nn.Dropout` does not have. "
        "`nn.Dropout(1)` is neither: it leaves nothing but zeros. (They are meant to fail.)",
        """\
import torch
from torch import nn

for make in (lambda: nn.Dropout(30), lambda: nn.Dropout(rate=0.3)):
    try:
        make()
        raised = False
    except (ValueError, TypeError) as error:
        print(f"{type(error).__name__}: {error}")
        raised = True
    assert raised
print("nn.Dropout(1):", nn.Dropout(1)(torch.ones(5)).tolist())
assert (nn.Dropout(1)(torch.ones(5)) == 0).all()
""",
    ),
    Claim(
        "`model.eval` without parentheses does nothing, and raises nothing.",
        """\
import torch
from torch import nn

model = nn.Sequential(nn.Linear(4, 100), nn.Dropout(0.5))
model.eval
print("after model.eval: training is", model.training)
assert model.training
model.eval()
print("after model.eval(): training is", model.training)
assert not model.training
""",
    ),
    Claim(
        "`torch.no_grad()` does not turn dropout off.",
        """\
import torch
from torch import nn

drop, x = nn.Dropout(0.5), torch.ones(1000)
with torch.no_grad():
    zeros = (drop(x) == 0).sum().item()
print("zeros under no_grad:", zeros, "of 1000")
assert 350 < zeros < 650
assert torch.equal(drop.eval()(x), x)
""",
    ),
    Claim(
        "`F.dropout(x)` is always on, whatever mode the model is in; it has to be told.",
        """\
import torch
import torch.nn.functional as F
from torch import nn

class Net(nn.Module):
    def forward(self, x):
        return F.dropout(x, 0.5), F.dropout(x, 0.5, training=self.training)

forgotten, told = Net().eval()(torch.ones(1000))
print("zeros in evaluation, not told: ", (forgotten == 0).sum().item())
print("zeros in evaluation, told:", (told == 0).sum().item())
assert (forgotten == 0).any() and not (told == 0).any()
""",
    ),
    Claim(
        "Softmax before `cross_entropy`: with 10 classes, the loss of a sure and right answer is "
        "1.46, not 0. Log-softmax twice is log-softmax.",
        """\
import torch
from torch.nn.functional import cross_entropy

logits = torch.zeros(1, 10)
logits[0, 3] = 50.0
y = torch.tensor([3])
right, wrong = cross_entropy(logits, y), cross_entropy(logits.softmax(1), y)
print(f"of logits {right.item():.4f}, of probabilities {wrong.item():.4f}")
assert right < 1e-6 and abs(wrong.item() - 1.4612) < 1e-3

z = torch.randn(5, 10)
once = z.log_softmax(1)
print("log-softmax twice differs by", (once.log_softmax(1) - once).abs().max().item())
assert torch.allclose(once.log_softmax(1), once, atol=1e-5)
""",
    ),
    Claim(
        "On sequences of shape `(N, steps, features)` `nn.Dropout1d` drops whole steps: it takes "
        "the second dimension for the channels.",
        """\
import torch
from torch import nn

sequence = torch.ones(6, 20, 8)            # 6 examples, 20 steps, 8 features
y = nn.Dropout1d(0.5)(sequence)            # drops channels: here the 20 steps
share = (y == 0).float().mean(2)
print("zeros of each step of the first example:", share[0].tolist())
assert ((share == 0) | (share == 1)).all()
""",
    ),
)

SECTION = Section(
    name="mistakes",
    title="What goes wrong",
    introduction=(
        "Most mistakes with dropout, batch norm and activations raise no error. The program runs, "
        "the loss falls, and for years the result is somewhat worse than it could be, or looks "
        "better than it is.\n\n"
        f"The auditor knows {len(RULES)} of them. Here each can be seen in a program, next to the "
        "program as it should be; two are let run, so that their price can be read off."
    ),
    steps=(ONE, FORGOTTEN, SOFTMAX, ALL),
    claims=CLAIMS,
    items=(
        "dropout-no-effect",
        "dropout-train-not-restored",
        "together-eval-not-called",
        "dropout-on-logits",
        "activation-sigmoid-twice",
        "activation-softmax-twice",
        "activation-relu-on-logits",
        "together-two-mistakes",
    ),
    rules=tuple(code for code, _ in RULES),
)
