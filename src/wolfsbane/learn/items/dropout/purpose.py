"""What dropout is for."""

from wolfsbane.learn.practice.item import Choice, Question, Topic

PROGRAM = """\
import torch
from torch import nn

def messages(number):  # five word counts each; the first two make it spam; a fifth is mislabelled
    words = torch.randn(number, 5)
    is_spam = (words[:, :2].sum(1, keepdim=True) > 0) ^ (torch.rand(number, 1) < 0.2)
    return words, is_spam.float()

def train(p):
    model = nn.Sequential(nn.Linear(5, 50), nn.ReLU(), nn.Dropout(p), nn.Linear(50, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    losses = []
    for _ in range(300):
        optimizer.zero_grad()
        loss = loss_of(model(words), is_spam)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    old, new = loss_of(model.eval()(words), is_spam), loss_of(model(new_words), new_is_spam)
    return {"old": old.item(), "new": new.item(), "steps": sum(loss > 0.3 for loss in losses),
            "lr": optimizer.param_groups[0]["lr"]}

loss_of = nn.BCEWithLogitsLoss()
(words, is_spam), (new_words, new_is_spam) = messages(100), messages(2000)
before, without, dropped = words.clone(), train(p=0.0), train(p=0.8)
for name, run in (("without", without), ("dropout", dropped)):
    print(f"{name}: loss {run['old']:.2f} on its own messages, {run['new']:.2f} on new ones")
"""

ITEM = Question(
    name="dropout-purpose",
    title="What dropout is for",
    topic=Topic.DROPOUT,
    prompt="""\
A small network learns to tell spam from 100 messages, a fifth of which carry the wrong label. It is
trained twice, without dropout and with it.

What is dropout for?
""",
    program=PROGRAM,
    choices=(
        Choice(
            text="To make training faster, as fewer units are computed in each step",
            claim="dropped['steps'] < without['steps']",
            why="Each step trains only the units that happen to be kept, so a given training loss "
            "takes more steps, not fewer. The dropped units are computed and then set to 0, so a "
            "step is no cheaper either.",
            misconception="dropout speeds training up",
            probe="""\
for name, run in (("without", without), ("dropout", dropped)):
    print(f"{name}: {run['steps']} of 300 steps with a training loss above 0.3")
""",
        ),
        Choice(
            text="To switch units off at random in training, against overfitting",
            claim="dropped['new'] - dropped['old'] < without['new'] - without['old']",
            why="A unit that cannot rely on its neighbours cannot memorise single messages "
            "together with them. The network does a little worse on the messages that it learned "
            "from, and much better on new ones: the gap between the two is what dropout is for.",
            probe="""\
for name, run in (("without", without), ("dropout", dropped)):
    print(f"{name}: gap of {run['new'] - run['old']:.2f} between new messages and its own")
""",
        ),
        Choice(
            text="To make more training data, by changing the examples at random",
            claim="len(words) > 100 or not torch.equal(words, before)",
            why="That is data augmentation: it changes the examples and leaves the network as it "
            "is. Dropout leaves the examples as they are and changes the network, differently at "
            "each step.",
            misconception="dropout augments the data",
            probe="""\
print("messages before and after:", len(before), len(words))
print("values changed:", int((words != before).sum()))
""",
        ),
        Choice(
            text="To change the learning rate in the course of the training",
            claim="dropped['lr'] != without['lr']",
            why="The learning rate belongs to the optimizer, and a scheduler changes it. The p of "
            "dropout is a probability: the share of units that a step leaves out.",
            misconception="dropout changes the learning rate",
            probe="""\
print("learning rate without dropout", without["lr"], " with", dropped["lr"])
""",
        ),
    ),
    hints=(
        "Compare the two losses within each line that the program prints.",
        "Without dropout the loss is low on its own messages, and high on new ones: it overfits.",
        "Dropout makes the distance between the two losses smaller.",
    ),
    shows_program=False,
)
