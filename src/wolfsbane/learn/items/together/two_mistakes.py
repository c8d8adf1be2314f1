"""Mend: a whole training with two mistakes in it."""

from wolfsbane.learn.practice.item import Check, Repair, Topic

PROGRAM = """\
import torch
from torch import nn

mails = torch.randn(600, 30)  # 30 features of each e-mail, standardised
is_spam = (mails[:, :5].sum(dim=1) + torch.randn(600) > 0).long()
training, validation = slice(0, 400), slice(400, 600)

model = nn.Sequential(nn.Linear(30, 64), nn.ReLU(), nn.Linear(64, 2), nn.Dropout(0.5))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

def validate():
    model.eval()
    with torch.no_grad():
        scores = model(mails[validation])
        return nn.functional.cross_entropy(scores, is_spam[validation]).item()

model.train()
for epoch in range(8):
    for batch in torch.arange(400)[training].split(50):
        scores = model(mails[batch])
        loss = nn.functional.cross_entropy(scores, is_spam[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: validation loss {validate():.2f}")
"""
LAYERS = "nn.Linear(30, 64), nn.ReLU(), nn.Linear(64, 2), nn.Dropout(0.5)"
START = "model.train()\nfor epoch in range(8):\n"
EACH_EPOCH = "for epoch in range(8):\n    model.train()\n"
MOVED = "nn.Linear(30, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 2)"

ITEM = Repair(
    name="together-two-mistakes",
    title="A training with two mistakes",
    topic=Topic.TOGETHER,
    prompt=(
        "A spam filter is trained and validated after each epoch. It runs and prints reasonable "
        "numbers, but **two** things are wrong with its dropout: where it stands, and when it is "
        "on. Mend both."
    ),
    program=PROGRAM,
    solution=PROGRAM.replace(LAYERS, MOVED).replace(START, EACH_EPOCH),
    rules=("WB112", "WB201"),
    checks=(
        Check(
            claim="any(isinstance(layer, nn.Dropout) and layer.p > 0 for layer in model.modules())",
            message=(
                "No mistake with dropout, for there is none left: the model is "
                "{', '.join(type(layer).__name__ for layer in model.children())}."
            ),
            why=(
                "Where dropout causes trouble, mostly its place is wrong or the mode, not dropout "
                "itself. Between the layers it keeps units from relying on each other."
            ),
            misconception="what causes trouble has to go",
            example=PROGRAM.replace(
                LAYERS, "nn.Linear(30, 64), nn.ReLU(), nn.Linear(64, 2)"
            ).replace(START, EACH_EPOCH),
            rule="WB112",
        ),
        Check(
            claim="validate() == validate()",
            message=(
                "Two validations of the same model differ: {validate():.4f} and {validate():.4f}. "
                "Dropout is on while it is validated."
            ),
            why=(
                "Without `eval()` in the validation there is no mode to restore, true. But then "
                "the validation measures a network of which half is missing. Both are needed: "
                "`eval()` before measuring, `train()` before training on."
            ),
            misconception="a mode that never changes needs no care",
            example=PROGRAM.replace(LAYERS, MOVED).replace("    model.eval()\n", ""),
            rule="WB203",
        ),
    ),
    hints=(
        "In which mode is the model when the second epoch begins?",
        "`model.train()` is called once, and `model.eval()` after every epoch.",
        "And what does it mean to drop a score, rather than a feature?",
    ),
    why=(
        "Dropout now acts on hidden units, so no score is erased, and each epoch begins in "
        "training mode, so it acts in all of them. The validation, in evaluation mode, "
        "measures the whole network."
    ),
    note="This program runs without an error. It is meant to train worse than it could.",
)
