"""Why a dead ReLU stays dead: no gradient reaches its weights."""

from wolfsbane.learn.practice.item import Choice, Question, Topic

PROGRAM = """\
import torch
from torch import nn

heights = torch.randn(64, 1)  # of 64 people, standardised: hardly any beyond 4 or below -4
shoe_sizes = 42 + 2 * heights

def bias_after(lr, act=nn.functional.relu):
    unit = nn.Linear(1, 1)
    nn.init.ones_(unit.weight)
    nn.init.constant_(unit.bias, -20.0)
    optimizer = torch.optim.SGD(unit.parameters(), lr=lr)
    for _ in range(100):
        loss = nn.functional.mse_loss(act(unit(heights)), shoe_sizes)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return unit.bias.item()

print("bias at first: -20, after 100 steps:", bias_after(lr=0.01))
"""

ITEM = Question(
    name="activation-dead",
    title="A dead unit",
    topic=Topic.ACTIVATION,
    prompt=(
        "A unit with ReLU has a bias of -20, so its output is 0 for every one of 64 people; it "
        "should be about 42. What does training do with its bias?"
    ),
    program=PROGRAM,
    shows_program=False,
    choices=(
        Choice(
            text="It rises: the error is large, so the steps are too",
            claim="bias_after(lr=0.01) > -19",
            misconception="a large error brings a dead unit back",
            probe=(
                "unit = nn.Linear(1, 1)\n"
                "nn.init.ones_(unit.weight)\n"
                "nn.init.constant_(unit.bias, -20.0)\n"
                "loss = nn.functional.mse_loss(torch.relu(unit(heights)), shoe_sizes)\n"
                "loss.backward()\n"
                'print("loss:", loss.item())\n'
                'print("gradient of the bias:", unit.bias.grad.item())\n'
            ),
            why=(
                "The error is large, but on its way to the bias it is multiplied by ReLU's slope, "
                "which is 0 below 0. A large number times 0 is 0: no step at all."
            ),
            rule="WB405",
        ),
        Choice(
            text="Nothing at this learning rate; a larger one brings it back",
            claim="bias_after(lr=0.01) == -20 and bias_after(lr=100.0) > -19",
            misconception="a larger learning rate revives a dead unit",
            probe=('for lr in (0.01, 1.0, 100.0):\n    print(f"lr={lr}: bias {bias_after(lr)}")\n'),
            why=(
                "The step is the learning rate times the gradient, and the gradient is exactly 0. "
                "Too large a learning rate is rather what kills units: one big step makes the "
                "bias so low that no example reaches the unit again."
            ),
            rule="WB405",
        ),
        Choice(
            text="Nothing, at any learning rate",
            claim="bias_after(lr=0.01) == -20 and bias_after(lr=100.0) == -20",
            probe=(
                'print("ReLU:     ", bias_after(lr=0.01))\n'
                'print("LeakyReLU:", bias_after(0.01, nn.LeakyReLU(0.1)))\n'
            ),
            why=(
                "Where ReLU gives 0 its slope is 0, so for this unit every gradient is 0. It stays "
                "as it is until its inputs change. `LeakyReLU` keeps a small slope below 0, and "
                "its bias moves."
            ),
            rule="WB405",
        ),
    ),
    hints=(
        "What is the slope of ReLU at -20?",
        "By the chain rule, the gradient of the bias is the error's times that slope.",
    ),
)
