"""Mend: a last batch of one example."""

from wolfsbane.learn.practice.item import Check, Repair, Topic

PROGRAM = """\
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

flats = torch.randn(129, 4)  # area, rooms, floor, age: standardised
rents = 10 + flats @ torch.tensor([[3.0], [2.0], [1.0], [-1.0]])
loader = DataLoader(TensorDataset(flats, rents), batch_size=32, shuffle=True)

model = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
model.train()
for epoch in range(15):
    for x, y in loader:
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
print(f"loss of the last batch: {loss.item():.2f}")
"""
LOADER = "batch_size=32, shuffle=True)"

ITEM = Repair(
    name="norm-batch-of-one",
    title="It stops at the end of the first epoch",
    topic=Topic.NORM,
    prompt=(
        "A network learns the rents of 129 flats. Before the first epoch is over it stops with an "
        "error. Let it train through, with its batch norm, and with all flats in the data set."
    ),
    program=PROGRAM,
    solution=PROGRAM.replace(LOADER, "batch_size=32, shuffle=True, drop_last=True)"),
    rules=("WB303",),
    checks=(
        Check(
            claim="any(isinstance(layer, nn.BatchNorm1d) for layer in model.modules())",
            message=(
                "It runs, without a batch norm: the model has only "
                "{', '.join(type(layer).__name__ for layer in model.children())}."
            ),
            why=(
                "One batch in five was at fault, not the layer. With 32 values of each feature it "
                "has all that it needs."
            ),
            misconception="batch norm cannot be used where a batch may be small",
            example=PROGRAM.replace("nn.BatchNorm1d(16), ", ""),
        ),
        Check(
            claim=(
                "all(layer.num_batches_tracked.item() > 0 for layer in model.modules() "
                "if isinstance(layer, nn.BatchNorm1d))"
            ),
            message=(
                "It runs, but the batch norm has counted {model[1].num_batches_tracked.item()} "
                "batches: it normalised nothing by the batch, and its running statistics are as "
                "they were at first."
            ),
            why=(
                "In evaluation mode batch norm accepts a single example, for it uses the running "
                "mean and variance. These are 0 and 1 here, for in that mode nothing updates "
                "them. Training belongs into training mode."
            ),
            misconception="eval() is the cure for batch norm's errors",
            example=PROGRAM.replace("model.train()", "model.eval()"),
            rule="WB202",
        ),
        Check(
            claim="len(loader.dataset) == 129",
            message="It runs, but only {len(loader.dataset)} of the 129 flats are in the data set.",
            why=(
                "Cut from the data, the same flat is missing in every epoch. With shuffling, a "
                "loader that leaves out its last batch leaves out another flat each time, so all "
                "of them are learned from."
            ),
            misconception="the number of examples has to be a multiple of the batch size",
            example=PROGRAM.replace(
                "TensorDataset(flats, rents)", "TensorDataset(flats[:128], rents[:128])"
            ),
        ),
    ),
    hints=(
        "Divide 129 by 32. What is in the last batch?",
        "The variance of one value is 0, so torch refuses to normalise by it in training.",
        "`DataLoader` has an argument that leaves out an incomplete last batch.",
    ),
    why=(
        "No batch has a single example any more, so every feature has a variance in every "
        "step. With shuffling, the flat that is left out is another one in each epoch."
    ),
    note="This program is meant to fail, with a ValueError by torch.",
)
