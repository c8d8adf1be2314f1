"""Why networks memorise."""

from wolfsbane.learn.controls import Number
from wolfsbane.learn.lesson import Claim, Prediction, Section, Step
from wolfsbane.learn.sections.settings import DATA, EPOCHS, LABEL_NOISE, SEED, TRAIN_SIZE, WIDTH

INTRODUCTION = """
A network learns by lowering its loss on the training examples, and there are two ways to do that.
It can find what the examples of a class have in common, or it can remember each of them. Only the
first is of use for an example that it has not met.

To tell the two apart, give it some labels that are wrong. No rule leads to them, so whatever share
of them the network gives back, it has memorised. The sections that follow are about layers that
make this harder.
"""

NOISY = Step(
    name="noisy-labels",
    title="A network and wrong labels",
    prediction=Prediction(
        "Training accuracy counts the labels as the network is given them, the wrong ones too. "
        "Where does it end, with the settings below?",
        (
            "Above the share of right labels: the network gives back wrong ones as well",
            "At about the share of right labels: it learns the rule, and no errors by heart",
            "Below the share of right labels: the errors keep it from learning the rule",
        ),
    ),
    task="memorising:noisy_labels",
    controls=(DATA, LABEL_NOISE, TRAIN_SIZE, WIDTH, EPOCHS, SEED),
    explanation="""
The line of training accuracy and that of test accuracy start close together. Once training accuracy
passes the share of right labels, everything more is wrong labels learned by heart, and the
difference between the two lines, the **generalisation gap**, is the price of it.

Look at the table: where the network first said the true class and now says the wrong label, it was
right and has been trained out of it. Set the share of wrong labels to 0, take more examples, or a
narrow network, and see which of these closes the gap.
""",
    seconds=3,
)

FIRST = Step(
    name="which-first",
    title="Rule first, errors later",
    prediction=Prediction(
        "Of which labels does the network give back half first?",
        (
            "Of the right ones",
            "Of the wrong ones",
            "Of both after the same epoch, or of neither",
        ),
    ),
    task="memorising:first_learned",
    controls=(
        DATA,
        Number("label_noise", "Share of wrong training labels", 0.05, 0.8, 0.05, 0.3),
        TRAIN_SIZE,
        WIDTH,
        EPOCHS,
        SEED,
    ),
    explanation="""
What many examples agree on pulls the weights the same way at every step; an error pulls them alone.
So a rule is learned first, where there is one, and the errors after it. This is why stopping early
works: where test accuracy rises and falls again, it does so while the line of the wrong labels
climbs. With two classes and most labels wrong, what many examples agree on is the wrong label: then
that is the rule, and comes first.

It is also why the figures of a few epochs say little about a training of sixty. Arpit et al.
measured this order on larger networks ([2017](https://arxiv.org/abs/1706.05394)).
""",
    seconds=3,
)

RANDOM = Step(
    name="random-labels",
    title="Labels without any rule",
    prediction=Prediction(
        "Now every training label is drawn at random, so there is nothing to find. Networks of "
        "eight widths, from 1 hidden unit to 128, are trained on them. Which give back nearly all "
        "(95%)?",
        (
            "None of them: without a rule there is nothing to learn",
            "Some of them: the wider ones",
            "All of them",
        ),
    ),
    task="capacity:random_labels",
    controls=(DATA, Number("train_size", "Training examples", 50, 800, 10, 150), EPOCHS, SEED),
    explanation="""
Fitting the training labels takes parameters and steps, not a rule. A high training accuracy is
therefore no evidence that a network has understood anything: here test accuracy is left to chance,
whatever the width. Zhang et al. showed the same for the networks that win at image recognition
([2017](https://arxiv.org/abs/1611.03530)).

Take more examples or fewer epochs, and wider networks are needed. On spam a few labels are out of
reach of any network: some e-mails have the same measurements, and one input has one answer.
""",
    seconds=5,
)

SIZES = Step(
    name="more-examples",
    title="The same network, more examples",
    prediction=Prediction(
        "One network is trained on 50 examples, on 100, and so on to 800. What becomes of the gap "
        "between training and test accuracy?",
        (
            "It shrinks",
            "It stays the same, to within 3 points",
            "It grows",
        ),
    ),
    task="capacity:more_examples",
    controls=(DATA, LABEL_NOISE, WIDTH, EPOCHS, SEED),
    explanation="""
More examples are the first remedy against memorising: the rule is seen more often, and there is
more to remember. Wrong labels weaken it. A network with room for all of them learns each new error
too, and the test examples have none; compare the two data sets, and a share of 0.

Where more examples cannot be had, or do not help, the network itself has to be held back. That is
what dropout is for.
""",
    seconds=5,
)

FITS_NOISE = Claim(
    "A network with more parameters than examples can give back labels that were drawn at random.",
    """import torch
from torch import nn

x = torch.randn(40, 20)             # 40 examples, 20 features
y = torch.randint(2, (40,))         # labels without any rule
model = nn.Sequential(nn.Linear(20, 200), nn.ReLU(), nn.Linear(200, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

for step in range(200):
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(x), y).backward()
    optimizer.step()

num_parameters = sum(parameter.numel() for parameter in model.parameters())
accuracy = (model(x).argmax(1) == y).double().mean().item()
print(f"{num_parameters} parameters, {len(y)} examples, training accuracy {accuracy:.0%}")
assert accuracy == 1
""",
)

FAR_FEWER = Claim(
    "One with far fewer parameters than examples cannot: here 4 weights and 400 random labels.",
    """import torch
from torch import nn

x = torch.randn(400, 3)
y = torch.randint(2, (400,)).double()
model = nn.Linear(3, 1)             # 3 weights and a bias
optimizer = torch.optim.Adam(model.parameters(), lr=0.1)

for step in range(300):
    optimizer.zero_grad()
    nn.functional.binary_cross_entropy_with_logits(model(x)[:, 0], y.float()).backward()
    optimizer.step()

accuracy = ((model(x)[:, 0] > 0) == y.bool()).double().mean().item()
print(f"training accuracy {accuracy:.0%}")
assert accuracy < 0.75
""",
)

GAP = Claim(
    "Memorised noise does not carry over: the same network is at chance on new examples.",
    """import torch
from torch import nn

x, y = torch.randn(40, 20), torch.randint(2, (40,))
x_new, y_new = torch.randn(2000, 20), torch.randint(2, (2000,))
model = nn.Sequential(nn.Linear(20, 200), nn.ReLU(), nn.Linear(200, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

for step in range(200):
    optimizer.zero_grad()
    nn.functional.cross_entropy(model(x), y).backward()
    optimizer.step()

train = (model(x).argmax(1) == y).double().mean().item()
test = (model(x_new).argmax(1) == y_new).double().mean().item()
print(f"training accuracy {train:.0%}, test accuracy {test:.0%}, gap {train - test:.0%}")
assert train - test > 0.4
""",
)

LOSS = Claim(
    "Accuracy can hide it: two networks that answer alike may differ in loss, and being sure of "
    "wrong answers is what a memorising network pays for.",
    """import torch
from torch.nn.functional import cross_entropy

y = torch.tensor([0, 0, 0, 1])
modest = torch.tensor([[1.0, 0.0]] * 4)     # class 0, at a probability of 73%
sure = torch.tensor([[9.0, 0.0]] * 4)       # class 0, at 99.99%

for name, logits in (("modest", modest), ("sure", sure)):
    accuracy = (logits.argmax(1) == y).double().mean().item()
    loss = cross_entropy(logits, y).item()
    print(f"{name}: accuracy {accuracy:.0%}, negative log-likelihood {loss:.2f}")
assert torch.equal(modest.argmax(1), sure.argmax(1))
assert cross_entropy(sure, y) > cross_entropy(modest, y)
""",
)

SECTION = Section(
    name="memorising",
    title="Why networks memorise",
    introduction=INTRODUCTION,
    steps=(NOISY, FIRST, RANDOM, SIZES),
    claims=(FITS_NOISE, FAR_FEWER, GAP, LOSS),
    items=(
        "welcome",
        "dropout-purpose",
        "dropout-training-only",
    ),
)
