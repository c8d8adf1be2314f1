"""Mend: Monte-Carlo dropout that changes batch norm."""

from wolfsbane.learn.practice.item import Check, Repair, Topic

PROGRAM = """\
import torch
from torch import nn

model = nn.Sequential(
    nn.Linear(20, 50), nn.BatchNorm1d(50), nn.ReLU(), nn.Dropout(0.5), nn.Linear(50, 1)
)
messages = torch.randn(32, 20)
before = model[1].running_mean.clone()

def sample(words, times=20):
    \"\"\"Return answers that differ by dropout alone: their spread is the doubt.\"\"\"
    model.train()
    with torch.no_grad():
        answers = torch.stack([torch.sigmoid(model(words)) for _ in range(times)])
    model.eval()
    return answers

answers = sample(messages)
print(f"first message: {answers[:, 0].mean():.2f} +- {answers[:, 0].std():.2f}")
changed = (model[1].running_mean - before).abs().max()
print(f"batch norm's running mean has changed by up to {changed:.2f}")
"""

ONLY_DROPOUT = """\
    model.eval()
    for layer in model:
        if isinstance(layer, nn.Dropout):
            layer.train()
"""

NORM_TOO = """\
    model.eval()
    model[1].train()
    model[3].train()
"""

NO_MOMENTUM = """\
    model.eval()
    model[1].momentum = 0.0
    model[1].train()
    model[3].train()
"""

ITEM = Repair(
    name="dropout-monte-carlo",
    title="Dropout for once in evaluation",
    topic=Topic.DROPOUT,
    prompt="""\
Monte-Carlo dropout asks a trained model many times with dropout on: answers that lie far apart mean
that the model is unsure. This function puts the *whole* model into training mode for it, and batch
norm goes on learning from the messages that it is asked about.

Mend `sample` so that dropout acts, and nothing else changes.
""",
    program=PROGRAM,
    solution=PROGRAM.replace("    model.train()\n", ONLY_DROPOUT),
    checks=(
        Check(
            claim="sample(messages).std(0).max() > 0",
            message="All samples agree: their largest spread is "
            "{sample(messages).std(0).max():.3f}.",
            why="Now nothing changes, and nothing is dropped either: in evaluation mode all "
            "samples are the same answer. Only the dropout layers have to be put back into "
            "training mode.",
            misconception="evaluation mode still gives samples",
            example=PROGRAM.replace("    model.train()\n", "    model.eval()\n"),
        ),
        Check(
            claim="torch.equal(before, model[1].running_mean)",
            message="The running mean has changed by up to "
            "{(model[1].running_mean - before).abs().max():.3f} in the course of asking.",
            why="Batch norm and dropout are the two layers of this model that heed the mode. Only "
            "dropout is to be in training mode: a batch norm in training mode learns from "
            "whatever it is given.",
            misconception="each layer that has a mode has to be in training mode",
            example=PROGRAM.replace("    model.train()\n", NORM_TOO),
            rule="WB206",
        ),
        Check(
            claim="[setattr(model[3], 'p', 0.0), torch.allclose(sample(messages)[0, :5], "
            "sample(messages[:5])[0], atol=1e-4), setattr(model[3], 'p', 0.5)][1]",
            message="Dropout aside, the first message is spam with probability "
            "{[setattr(model[3], 'p', 0.0), sample(messages)[0, 0].item()][1]:.3f} among 32 "
            "messages, and with {sample(messages[:5])[0, 0].item():.3f} among five.",
            why="The running statistics rest, but the batch norm is in training mode: it "
            "normalises each message by the others in the batch. An answer should depend on its "
            "own message.",
            misconception="momentum 0 is evaluation mode for batch norm",
            example=PROGRAM.replace("    model.train()\n", NO_MOMENTUM),
        ),
    ),
    hints=(
        "`model.train()` reaches all layers. Which of them should it reach here?",
        "A layer has a mode of its own: `layer.train()`.",
        "`model.eval()`, then `layer.train()` for each layer that is an `nn.Dropout`.",
    ),
    why=(
        "Only the dropout is in training mode, so the answers differ by its masks and by "
        "nothing else. Batch norm uses its running statistics and leaves them as they are. "
        "`wolfsbane.mc_dropout` does the same."
    ),
    note="This program runs without an error. Look at what it says about batch norm.",
    rules=("WB206",),
)
