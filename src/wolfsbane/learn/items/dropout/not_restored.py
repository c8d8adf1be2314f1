"""Mend: a training that goes on in evaluation mode after the first validation."""

from wolfsbane.learn.practice.item import Check, Repair, Topic

PROGRAM = """\
import torch
from torch import nn

words, new_words = torch.randn(64, 20), torch.randn(64, 20)
is_spam, new_is_spam = (words[:, :1] > 0).float(), (new_words[:, :1] > 0).float()
model = nn.Sequential(nn.Linear(20, 50), nn.ReLU(), nn.Dropout(0.5), nn.Linear(50, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
loss_of = nn.BCEWithLogitsLoss()

def validation_loss():
    model.eval()
    with torch.no_grad():
        return loss_of(model(new_words), new_is_spam).item()

losses = []
model.train()
for epoch in range(4):
    loss = loss_of(model(words), is_spam)
    print(f"epoch {epoch}: training mode {model.training}, loss {loss.item():.2f}")
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(validation_loss())
"""

LOOP = "for epoch in range(4):\n"
SOLUTION = PROGRAM.replace(f"model.train()\n{LOOP}", f"{LOOP}    model.train()\n")

ITEM = Repair(
    name="dropout-train-not-restored",
    title="Training after validation",
    topic=Topic.DROPOUT,
    prompt="""\
After each epoch the loss on new messages is measured. From the second epoch on this network trains
without its dropout.

Mend it: every epoch trains with dropout, and every validation is done without.
""",
    program=PROGRAM,
    solution=SOLUTION,
    checks=(
        Check(
            claim="len(losses) == 4",
            message="There are four epochs, and {len(losses)} validation losses.",
            why="One validation at the end does leave the training in peace, but nobody sees any "
            "more when the network begins to overfit. Validate after each epoch, and put the mode "
            "back.",
            misconception="validation has to wait until the training is over",
            example=PROGRAM.replace(
                "    losses.append(validation_loss())", "losses.append(validation_loss())"
            ),
        ),
        Check(
            claim="len({(model.train(), validation_loss())[1] for _ in range(10)}) == 1",
            message="Two validations of the same network, begun in training mode, give "
            "{(model.train(), validation_loss())[1]:.3f} and "
            "{(model.train(), validation_loss())[1]:.3f}.",
            why="Now the validation drops units too, and its result is a matter of chance. "
            "`no_grad()` does not switch dropout off; `eval()` does, and has to stay.",
            misconception="no_grad() puts a model into evaluation mode",
            example=PROGRAM.replace("    model.eval()\n", ""),
            rule="WB203",
        ),
    ),
    hints=(
        "Follow the mode line by line, from the first epoch into the second.",
        "`validation_loss` calls `eval()`. Who calls `train()` after it?",
        "`model.train()` belongs at the start of each epoch, inside the loop.",
    ),
    why=(
        "`train()` at the start of every epoch undoes the `eval()` of the validation before "
        "it. Wherever a loop enters a phase it sets the mode of that phase, so that no phase "
        "has to trust the one before."
    ),
    note="This program runs without an error. Look at the mode that it prints.",
    rules=("WB201",),
)
