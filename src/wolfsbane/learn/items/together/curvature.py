"""Double backward: which activation has a second derivative."""

from wolfsbane.learn.practice.item import Choice, Question, Topic

PROGRAM = """\
import torch
from torch import nn

def curvature(act):  # the largest second derivative of the network by its input
    network = nn.Sequential(nn.Linear(1, 16), act, nn.Linear(16, 1))
    time = torch.linspace(-2, 2, 101)[:, None].requires_grad_()
    place = network(time)
    speed, = torch.autograd.grad(place.sum(), time, create_graph=True)
    acceleration, = torch.autograd.grad(speed.sum(), time, allow_unused=True)
    return 0.0 if acceleration is None else acceleration.abs().max().item()
"""

ITEM = Question(
    name="together-curvature",
    title="Backward twice",
    topic=Topic.TOGETHER,
    prompt=(
        "A network gives the place of a swing at a time. Its derivative is the speed, and the "
        "derivative of that the acceleration: autograd goes backward twice. With which activation "
        "can the acceleration be anything else than 0?"
    ),
    program=PROGRAM,
    choices=(
        Choice(
            text="`nn.ReLU()`",
            claim="curvature(nn.ReLU()) > 0",
            misconception="a network with bends has curvature",
            probe=(
                "network = nn.Sequential(nn.Linear(1, 16), nn.ReLU(), nn.Linear(16, 1))\n"
                "time = torch.linspace(-2, 2, 9)[:, None].requires_grad_()\n"
                "speed, = torch.autograd.grad(network(time).sum(), time)\n"
                'print("speeds:", [round(value, 2) for value in speed[:, 0].tolist()])\n'
                'print("largest acceleration:", curvature(nn.ReLU()))\n'
            ),
            why=(
                "Between its kinks a network with ReLU is made of straight pieces: the speed "
                "jumps from one value to the next, and nowhere does it change gradually. "
                "Autograd's second derivative is 0 everywhere."
            ),
        ),
        Choice(
            text="`nn.LeakyReLU(0.1)`",
            claim="curvature(nn.LeakyReLU(0.1)) > 0",
            misconception="a slope below 0 makes ReLU smooth",
            probe=(
                "x = torch.tensor([-2.0, -1.0, 1.0, 2.0], requires_grad=True)\n"
                "slope, = torch.autograd.grad(nn.LeakyReLU(0.1)(x).sum(), x)\n"
                'print("slopes at -2, -1, 1, 2:", slope)\n'
                'print("largest acceleration:", curvature(nn.LeakyReLU(0.1)))\n'
            ),
            why=(
                "It lets a gradient pass on either side, so units do not die. But it still is two "
                "straight lines with a kink, each without curvature."
            ),
        ),
        Choice(
            text="`nn.Dropout(0.1)`",
            claim="curvature(nn.Dropout(0.1)) > 0",
            misconception="dropout makes a network non-linear",
            probe=(
                "x = torch.ones(10, requires_grad=True)\n"
                "slope, = torch.autograd.grad(nn.Dropout(0.1)(x).sum(), x)\n"
                'print("slopes of dropout:", slope)\n'
                'print("largest acceleration:", curvature(nn.Dropout(0.1)))\n'
            ),
            why=(
                "Dropout multiplies by 0 or by 1 / (1 - p). For the mask as it was drawn, that is "
                "a linear map like any other, and two linear layers stay linear."
            ),
            rule="WB404",
        ),
        Choice(
            text="`nn.Tanh()`",
            claim="curvature(nn.Tanh()) > 0",
            probe=(
                'print("tanh:", curvature(nn.Tanh()))\n'
                'print("GELU:", curvature(nn.GELU()))\n'
                'print("ReLU:", curvature(nn.ReLU()))\n'
            ),
            why=(
                "tanh is smooth: its slope changes all the way, and so does the network's. Losses "
                "with derivatives in them, as for physics or a gradient penalty, need such an "
                "activation, and `create_graph=True` for the way back."
            ),
        ),
    ),
    hints=(
        "The second derivative of a straight line is 0. Which of these consist of straight lines?",
        "Only one of the four is curved.",
    ),
)
