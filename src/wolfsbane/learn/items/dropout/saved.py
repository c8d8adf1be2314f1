"""What of a dropout layer is saved."""

from wolfsbane.learn.practice.item import Choice, Question, Topic

PROGRAM = """\
import torch
from torch import nn

def spam_filter(p):
    return nn.Sequential(nn.Linear(20, 50), nn.ReLU(), nn.Dropout(p), nn.Linear(50, 1))

saved = spam_filter(p=0.5).state_dict()
model = spam_filter(p=0.2)
try:
    model.load_state_dict(saved)
    is_loaded = True
except RuntimeError:
    is_loaded = False
print(model[2])
"""

ITEM = Question(
    name="dropout-saved",
    title="What is saved of dropout",
    topic=Topic.DROPOUT,
    prompt="""\
The `state_dict` of a model with p = 0.5 is loaded into the same model, made with p = 0.2. Which
rate does its dropout have then?
""",
    program=PROGRAM,
    choices=(
        Choice(
            text="0.2",
            claim="is_loaded and model[2].p == 0.2",
            why="Dropout has no weights: `p` is set where the layer is made, and nothing of it is "
            "in the `state_dict`. To train on with the old rate, make the model with it.",
            probe='print("saved:", list(saved))\n',
        ),
        Choice(
            text="0.5",
            claim="is_loaded and model[2].p == 0.5",
            why="A `state_dict` holds parameters and buffers, such as weights. `p` is an ordinary "
            "attribute, like the sizes of a layer, and belongs to the code.",
            misconception="the rate is saved with the weights",
            probe="""\
print("saved of layer 2:", [name for name in saved if name.startswith("2.")])
print("p of the layer now:", model[2].p)
""",
        ),
        Choice(
            text="None: loading is an error",
            claim="not is_loaded",
            why="An error comes when names or shapes of weights do not fit. Here they all do, "
            "because dropout brings none, so even a model without dropout could load them.",
            misconception="a model can be loaded only with the same rate",
            probe="""\
print("loaded into p = 0.2:", model.load_state_dict(saved))
print("numbers that dropout learns:", sum(each.numel() for each in model[2].parameters()))
""",
        ),
    ),
    hints=(
        "What does a dropout layer learn?",
        "`print(list(saved))` shows what is saved.",
    ),
)
