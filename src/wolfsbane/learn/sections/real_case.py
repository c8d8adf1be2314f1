"""Section 8: a real case, spam e-mail or the student's own pictures."""

from wolfsbane.learn.controls import Control, Line, Number, Switch
from wolfsbane.learn.lesson import Claim, Prediction, Section, Step
from wolfsbane.learn.sections.settings import SEED

RATE = Number("p", "Drop probability p", 0, 0.9, 0.1, 0.5)
NORM = Switch("norm", "Batch norm before each activation", default=True)


def networks(seeds: int, epochs: int) -> tuple[Control, ...]:
    """Return the controls of a comparison, with so many seeds and epochs at first."""
    return (
        RATE,
        NORM,
        Number("train_size", "Training examples", 50, 2000, 50, 500),
        Number("seeds", "Seeds", 2, 20, 1, seeds),
        Number("epochs", "Epochs", 1, 60, 1, epochs),
    )


CHOICES = (
    "More than the plain network's: the interval lies above 0",
    "The interval contains 0: nothing can be said",
    "Less than the plain network's: the interval lies below 0",
)

SPAM = Step(
    name="spam",
    title="Spam, with and without",
    prediction=Prediction(
        question=(
            "A plain network with two hidden layers, and one with dropout and batch norm as set "
            "below, learn to tell spam from 57 measurements of an e-mail. How many of the unseen "
            "e-mails will the second answer rightly, over several seeds?"
        ),
        choices=CHOICES,
    ),
    task="real_case:compare_networks",
    controls=networks(seeds=6, epochs=20),
    explanation=(
        "A few seeds give a wide interval, and often it contains 0. That is a result too: two "
        "networks of which nobody can tell the better one. More seeds narrow the interval; fewer "
        "training examples, or more epochs, give dropout more to do.\n\n"
        "Look at both classes, not only at the total: mail that is taken for spam is lost, spam "
        "that is let through is a nuisance. `wolfsbane compare spam` makes the same comparison "
        "with a report."
    ),
    seconds=6,
)

MAILS = Step(
    name="single-mails",
    title="The same e-mail, asked twenty times",
    prediction=Prediction(
        question=(
            "A trained network is asked about the same 200 e-mails 20 times, in training mode and "
            "in batches drawn anew each time. Of how many does the answer differ at least once "
            "from that in evaluation mode?"
        ),
        choices=("None of them", "At most one in ten", "More than one in ten"),
    ),
    task="single_mails:single_mails",
    controls=(
        RATE,
        NORM,
        Number("batch_size", "E-mails in a batch", 2, 200, 1, 20),
        SEED,
    ),
    explanation=(
        "In training mode dropout draws another mask each time, and batch norm takes mean and "
        "variance from the batch, so that an e-mail's answer depends on the company it is in. "
        "Those near the boundary go from one side to the other. In evaluation mode an e-mail has "
        "one answer.\n\n"
        "Being asked in training mode also leaves traces: batch norm counts these e-mails into its "
        "running statistics, `torch.no_grad()` or not, and later answers in evaluation mode are "
        "others. The auditor reports it as WB203."
    ),
    seconds=2,
)

PICTURES = Step(
    name="pictures",
    title="Your own pictures: cats, for example",
    prediction=Prediction(
        question=(
            "Give a folder of pictures, and a small convolutional network learns their classes. "
            "How many unseen pictures will the one with dropout and batch norm answer rightly? "
            "Without a folder the e-mails are taken."
        ),
        choices=CHOICES,
    ),
    task="real_case:compare_networks",
    controls=(
        Line(
            "folder",
            "Folder",
            help=(
                "On this machine, with pictures in train/CLASS and test/CLASS, such as "
                "train/cat/1.jpg and test/dog/2.jpg. Empty: spam e-mail."
            ),
        ),
        *networks(seeds=3, epochs=10),
    ),
    explanation=(
        "The pictures are scaled to 32 x 32 pixels, which a small network on a CPU can learn from. "
        "They stay on this machine. With a few hundred of them a network of this size memorises "
        "every one, and the test pictures tell how much of that was of use.\n\n"
        "Batch norm comes after each convolution, dropout after the hidden linear layer alone: "
        "within feature maps the neighbours of a dropped pixel say nearly the same."
    ),
    seconds=30,
)

CLAIMS = (
    Claim(
        "In evaluation mode an example's answer is the same alone and in a batch. In training mode "
        "batch norm makes it depend on the others.",
        """\
import torch
from torch import nn

model = nn.Sequential(nn.Linear(57, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 2))
mail, some, others = torch.rand(1, 57), torch.rand(15, 57), 3 * torch.rand(15, 57)

model.eval()
alone, in_company = model(mail)[0], model(torch.cat([mail, others]))[0]
print("evaluation: largest difference", (alone - in_company).abs().max().item())
assert torch.allclose(alone, in_company, atol=1e-5)

model.train()
first = model(torch.cat([mail, some]))[0]
second = model(torch.cat([mail, others]))[0]
print("training: largest difference", (first - second).abs().max().item())
assert not torch.allclose(first, second, atol=1e-3)
""",
    ),
    Claim(
        "`torch.no_grad()` does not keep batch norm from learning: in training mode the running "
        "statistics change with every batch.",
        """\
import torch
from torch import nn

norm, mails = nn.BatchNorm1d(57), 2 + torch.randn(64, 57)
for training in (True, False):
    norm.train(training)
    before = norm.running_mean.clone()
    with torch.no_grad():
        norm(mails)
    change = (norm.running_mean - before).abs().max().item()
    print(f"training={training}: the running mean changed by up to {change:.3f}")
    assert (change > 0) == training
""",
    ),
    Claim(
        "A single e-mail in training mode is an error: of one value per unit there is no variance.",
        """\
import torch
from torch import nn

model = nn.Sequential(nn.Linear(57, 32), nn.BatchNorm1d(32), nn.Linear(32, 2))
mail = torch.randn(1, 57)
try:
    model.train()(mail)
    raised = False
except ValueError as error:
    print("training:", error)
    raised = True
print("evaluation:", tuple(model.eval()(mail).shape))
assert raised
""",
    ),
    Claim(
        "Accuracy needs a comparison: whoever calls everything harmless is right as often as "
        "there is no spam, and finds none.",
        """\
import torch

is_spam = torch.rand(4000) < 0.39
says_spam = torch.zeros(4000, dtype=torch.bool)
accuracy = (says_spam == is_spam).float().mean().item()
found = says_spam[is_spam].float().mean().item()
print(f"right: {accuracy:.1%}, spam found: {found:.1%}")
assert accuracy > 0.5 and found == 0
""",
    ),
    Claim(
        "`nn.Dropout2d` drops whole feature maps of a picture, `nn.Dropout` single pixels.",
        """\
import torch
from torch import nn

pictures = torch.ones(8, 16, 10, 10)                 # 8 pictures, 16 feature maps each
for layer in (nn.Dropout(0.5), nn.Dropout2d(0.5)):
    zeros = (layer(pictures) == 0).flatten(2).float().mean(2)
    whole = ((zeros == 0) | (zeros == 1)).float().mean().item()
    print(f"{layer}: {whole:.0%} of the maps are dropped or kept as a whole")
    assert (whole == 1) == isinstance(layer, nn.Dropout2d)
""",
    ),
)

SECTION = Section(
    name="real-case",
    title="A real case: spam",
    introduction=(
        "4,597 e-mails, each described by how often certain words and characters occur in it and "
        "how long its runs of capitals are, with the verdict of the person who received it "
        "(Spambase, UCI). They come with the package.\n\n"
        "What dropout and batch norm are worth is now a question with an answer in per cent, and "
        "an interval. The auditor watches each training."
    ),
    steps=(SPAM, MAILS, PICTURES),
    claims=CLAIMS,
    items=(
        "norm-channels",
        "dropout-channels",
        "norm-evaluated-in-train-mode",
        "dropout-monte-carlo",
        "together-how-sure",
        "norm-frozen",
        "together-new-head",
    ),
    rules=("WB203", "WB206", "WB207", "WB301", "WB303"),
)
