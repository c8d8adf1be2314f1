"""What no_grad switches off, and what not."""

from wolfsbane.learn.practice.item import Choice, Question, Topic

PROGRAM = """\
import torch
from torch import nn

model = nn.Sequential(nn.Linear(20, 100), nn.ReLU(), nn.Dropout(0.5), nn.Linear(100, 1))
message = torch.randn(1, 20)  # its word counts

def ask():
    return round(model(message).item(), 3)

def ask_without_gradients():
    with torch.no_grad():
        return ask()

def ask_in_evaluation():
    model.eval()
    answer = ask()
    model.train()
    return answer

def ask_detached():
    return round(model(message).detach().item(), 3)

print("four times the same message:", [ask() for _ in range(4)])
"""

ITEM = Question(
    name="dropout-no-grad",
    title="The same answer each time",
    topic=Topic.DROPOUT,
    prompt="""\
A spam filter is asked four times about the same message, and gives four different answers. What
makes its answer the same each time?
""",
    program=PROGRAM,
    choices=(
        Choice(
            text="`with torch.no_grad():` around the call",
            claim="len({ask_without_gradients() for _ in range(6)}) == 1",
            why="`no_grad()` saves the memory that gradients need. It does not touch the mode of "
            "any layer, and dropout goes on dropping. An evaluation usually wants both.",
            misconception="no_grad() puts a model into evaluation mode",
            probe="""\
print("answers under no_grad:", [ask_without_gradients() for _ in range(4)])
with torch.no_grad():
    print("model.training under no_grad:", model.training)
""",
            rule="WB203",
        ),
        Choice(
            text="`model.eval()` before the call",
            claim="len({ask_in_evaluation() for _ in range(6)}) == 1",
            why="`eval()` sets `training` to False in the model and in all layers that belong to "
            "it, and dropout hands on what it is given.",
            probe="""\
print("answers in evaluation:", [ask_in_evaluation() for _ in range(4)])
""",
        ),
        Choice(
            text="`.detach()` after the call",
            claim="len({ask_detached() for _ in range(6)}) == 1",
            why="`detach()` takes a result out of the graph of gradients when the result is there "
            "already, and its units were dropped on the way.",
            misconception="detach() undoes what training mode did",
            probe="""\
print("answers detached:", [ask_detached() for _ in range(4)])
""",
        ),
        Choice(
            text="`torch.manual_seed(0)` once, at the start",
            claim="torch.manual_seed(0) and len({ask() for _ in range(6)}) == 1",
            why="A seed makes the *sequence* of answers repeatable. Within it each call still "
            "draws its own mask, and half of the units are missing in every answer.",
            misconception="a seed makes every call the same",
            probe="""\
for attempt in ("first", "second"):
    torch.manual_seed(0)
    print(f"{attempt} time after the seed:", [ask() for _ in range(4)])
""",
        ),
    ),
    hints=(
        "Which layer of this model makes the answers differ, and what decides whether it drops?",
        "Gradients and modes are two different things.",
    ),
)
