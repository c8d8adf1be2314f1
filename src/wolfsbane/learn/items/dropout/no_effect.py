"""A dropout that does nothing, because train() was forgotten."""

from wolfsbane.learn.practice.item import Choice, Question, Topic

PROGRAM = """\
import torch
from torch import nn
from wolfsbane.audit import watch

digits = torch.randn(64, 20)
labels = torch.randint(0, 10, (64,))
model = nn.Sequential(nn.Linear(20, 100), nn.ReLU(), nn.Dropout(0.5), nn.Linear(100, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

shares = []
def note(layer, inputs, output):  # at each call of the dropout layer
    active = inputs[0] > 0
    shares.append((output[active] == 0).float().mean().item())
model[2].register_forward_hook(note)

with watch(model) as findings:  # the auditor looks on
    for epoch in range(3):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(digits), labels).backward()
        optimizer.step()
        print(f"epoch {epoch}: dropout dropped {shares[-1]:.0%} of the active units")
        model.eval()  # to see how good it is by now
        with torch.no_grad():
            print(f"  {(model(digits).argmax(1) == labels).float().mean():.0%} answered rightly")
"""

ITEM = Question(
    name="dropout-no-effect",
    title="Dropout that does nothing",
    topic=Topic.DROPOUT,
    prompt="""\
A network is trained for three epochs, and looked at after each. From the second epoch on its
dropout drops nothing at all.

Why?
""",
    program=PROGRAM,
    note="This program is meant to go wrong, silently: there is no error to be seen.",
    choices=(
        Choice(
            text="`p` is too small",
            claim="model[2].p < 0.1",
            why="With p = 0.5 half of the units should be dropped. In evaluation mode the rate "
            "does not matter: even 0.99 drops nothing.",
            misconception="a larger p brings the effect back",
            probe="""\
print("p is", model[2].p)
model[2].p = 0.99
model(digits)
print(f"with p = 0.99 {shares[-1]:.0%} is dropped")
""",
        ),
        Choice(
            text="The layer is in the wrong place",
            claim="shares[0] == 0",
            why="In the first epoch the same layer, in the same place, did drop half of the active "
            "units. What changed since then is not where it stands.",
            misconception="dropout in the wrong place has no effect",
            probe="""\
print("position 2 of the model:", model[2])
print(f"dropped in the first epoch: {shares[0]:.0%}")
""",
        ),
        Choice(
            text="`model.train()` was forgotten after `model.eval()`",
            claim="shares[0] > 0.3 and max(shares[1:6]) == 0 and not model.training",
            why="A mode stays until the next call that sets it. `eval()` at the end of the first "
            "epoch put the model into evaluation mode, and nothing put it back, so the later "
            "epochs trained without dropout. Call `model.train()` at the start of each epoch.",
            probe="""\
model.eval()(digits)
print(f"as the training left it: {shares[-1]:.0%} dropped")
model.train()(digits)
print(f"after model.train(): {shares[-1]:.0%} dropped")
for finding in findings:
    print(f"the auditor: {finding.code} {finding.message}")
""",
            rule="WB201",
        ),
        Choice(
            text="The random numbers are the same in each epoch",
            claim="shares[2] == shares[0]",
            why="A new seed gives another mask where a mask is drawn. In evaluation mode none is "
            "drawn, so no seed changes anything.",
            misconception="a seed switches the mask off",
            probe="""\
for seed in (1, 2, 3):
    torch.manual_seed(seed)
    model.eval()(digits)
    print(f"seed {seed}: {shares[-1]:.0%} dropped")
""",
        ),
    ),
    hints=(
        "Something happens between the first epoch and the second. What does the program do there?",
        "`model.training` says which mode a model is in. Which mode is it in at the end?",
        "`eval()` holds until `train()` is called.",
    ),
)
