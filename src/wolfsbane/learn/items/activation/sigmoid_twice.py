"""Mend: a sigmoid before a loss that applies one."""

from wolfsbane.learn.practice.item import Check, Repair, Topic

PROGRAM = """\
import torch
from torch import nn

# E-mails: how often "winner", "invoice", "meeting" and "free" are in them
is_spam = (torch.arange(300) % 2).float()[:, None]
rates = torch.where(is_spam == 1, torch.tensor([2.0, 0.5, 0.1, 3.0]), torch.tensor([0.2, 1, 2, 1]))
counts = torch.poisson(rates)

model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1), nn.Sigmoid())
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
for step in range(200):
    output = model(counts)
    loss = nn.functional.binary_cross_entropy_with_logits(output, is_spam)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

probability = output.detach()  # that an e-mail is spam
print(f"loss {loss.item():.2f}; first e-mails: {probability[:4, 0].tolist()}")
"""
LAST = "nn.Linear(16, 1), nn.Sigmoid())"
OUTPUT = "output.detach()"

ITEM = Repair(
    name="activation-sigmoid-twice",
    title="The loss that stays above 0.5",
    topic=Topic.ACTIVATION,
    prompt=(
        "Spam and other e-mails differ clearly in these four words, but the loss stays above 0.5. "
        "Bring it below 0.3. At the end, `probability` is to hold the probability of spam."
    ),
    program=PROGRAM,
    solution=PROGRAM.replace(LAST, "nn.Linear(16, 1))").replace(
        OUTPUT, "torch.sigmoid(output.detach())"
    ),
    rules=("WB402",),
    checks=(
        Check(
            claim="loss.item() < 0.3",
            message="The loss is still {loss.item():.2f}.",
            why=(
                "The loss takes **logits**: numbers of any size and sign, of which it makes "
                "probabilities by a sigmoid of its own. An output that cannot be negative says "
                "'at least 50% spam' of every e-mail."
            ),
            misconception="the loss wants an output that is not negative",
            example=PROGRAM.replace("nn.Sigmoid())", "nn.ReLU())"),
            rule="WB403",
        ),
        Check(
            claim="probability.min().item() >= 0 and probability.max().item() <= 1",
            message=(
                "The loss is {loss.item():.2f} now. But `probability` goes from "
                "{probability.min().item():.1f} to {probability.max().item():.1f}: these are "
                "logits."
            ),
            why=(
                "With the sigmoid gone from the model, its outputs are logits. The loss turns "
                "them into probabilities inside, for itself; who wants to read probabilities has "
                "to apply `torch.sigmoid` outside."
            ),
            misconception="the loss turns the model's outputs into probabilities",
            example=PROGRAM.replace(LAST, "nn.Linear(16, 1))"),
        ),
    ),
    hints=(
        "`binary_cross_entropy_with_logits`: which function has a logit not been through yet?",
        "The sigmoid is applied twice: once by the model, once by the loss.",
        "Take it out of the model, and apply it where `probability` is computed.",
    ),
    why=(
        "The loss gets logits and applies the one sigmoid itself, in a form that stays exact "
        "for large values. Your own sigmoid is applied once, where probabilities are read."
    ),
    note="This program runs without an error. It is meant to learn badly.",
)
