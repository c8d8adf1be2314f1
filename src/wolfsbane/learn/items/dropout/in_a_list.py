"""Mend: dropout layers in a plain list."""

from wolfsbane.learn.practice.item import Check, Repair, Topic

PROGRAM = """\
import torch
from torch import nn

class Forecast(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(24, 50), nn.Linear(50, 50)])
        self.drops = [nn.Dropout(0.2), nn.Dropout(0.2)]
        self.out = nn.Linear(50, 1)

    def forward(self, degrees):
        for layer, drop in zip(self.layers, self.drops):
            degrees = drop(torch.relu(layer(degrees)))
        return self.out(degrees)

model = Forecast()
day = torch.randn(1, 24)  # hourly temperatures, normalised
model.eval()
print([name for name, _ in model.named_modules() if name])
with torch.no_grad():
    print("tomorrow:", [round(model(day).item(), 3) for _ in range(3)])
"""

LIST = "[nn.Dropout(0.2), nn.Dropout(0.2)]"

ITEM = Repair(
    name="dropout-in-a-list",
    title="Layers in a list",
    topic=Topic.DROPOUT,
    prompt="""\
Two dropout layers, one after each hidden layer. In evaluation mode the forecast for the same day
still varies, and the names of the model's modules do not mention `drops`.

Mend it: the model should know both.
""",
    program=PROGRAM,
    solution=PROGRAM.replace(LIST, f"nn.ModuleList({LIST})"),
    checks=(
        Check(
            claim="torch.equal(model.eval()(day), model(day))",
            message="In evaluation the forecast is {model(day).item():.3f}, and for the same day "
            "{model(day).item():.3f}.",
            why="A list outside of the class is as unknown to the model as one inside it. "
            "`nn.ModuleList` holds modules so that `eval()`, `to()` and `parameters()` find them.",
            misconception="where a layer is kept does not matter",
            example=PROGRAM.replace(f"        self.drops = {LIST}\n", "")
            .replace("self.drops)", "drops)")
            .replace("class Forecast", f"drops = {LIST}\n\nclass Forecast"),
        ),
        Check(
            claim="len({model.train()(day).item() for _ in range(20)}) > 1",
            message="In training, 20 forecasts for the same day are all "
            "{model.train()(day).item():.3f}: nothing is dropped.",
            why="`nn.Identity` is quiet in evaluation, and in training too. The layers have to "
            "drop while the model trains.",
            misconception="a dropout that makes trouble is best removed",
            example=PROGRAM.replace(LIST, "nn.ModuleList([nn.Identity(), nn.Identity()])"),
        ),
        Check(
            claim="sum(isinstance(module, nn.Dropout) for module in model.modules()) == 2",
            message="Dropout layers that the model knows: {sum(isinstance(m, nn.Dropout) for m in "
            "model.modules())}. There should be one after each of the two hidden layers.",
            why="`zip` ends with the shorter of its arguments. With one dropout the second hidden "
            "layer is not even called.",
            misconception="one dropout layer serves all",
            example=PROGRAM.replace(LIST, "nn.ModuleList([nn.Dropout(0.2)])"),
        ),
    ),
    hints=(
        "Why are `layers.0` and `layers.1` among the printed names?",
        "A module looks for modules among its attributes, and does not look into lists.",
        "`nn.ModuleList` is a list into which it does look.",
    ),
    why=(
        "A model finds modules among its attributes, and goes on inside those that are "
        "modules themselves. With the layers registered, `eval()` sets their mode like that "
        "of any other."
    ),
    note="This program runs without an error. What is wrong is what it prints.",
    rules=("WB205",),
)
