"""Which layers do different things in training and in evaluation."""

from wolfsbane.learn.practice.item import Choice, Question, Topic

PROGRAM = """\
import torch
from torch import nn

layers = {
    "Linear": nn.Linear(20, 20),
    "ReLU": nn.ReLU(),
    "Dropout": nn.Dropout(0.5),
    "BatchNorm1d": nn.BatchNorm1d(20),
    "LayerNorm": nn.LayerNorm(20),
}
readings = 5 + 2 * torch.randn(64, 20)  # of 20 sensors, at 64 times
differ = set()
for name, layer in layers.items():
    in_training = layer.train()(readings)
    in_evaluation = layer.eval()(readings)
    if not torch.allclose(in_training, in_evaluation, atol=1e-4):
        differ.add(name)
print("differ:", sorted(differ))
"""

ITEM = Question(
    name="together-modes",
    title="What train() and eval() change",
    topic=Topic.TOGETHER,
    prompt=(
        "Each of five layers gets the same input twice: in training mode and in evaluation mode. "
        "For which of them do the two results **differ**?"
    ),
    program=PROGRAM,
    choices=(
        Choice(
            text="Dropout alone",
            claim='differ == {"Dropout"}',
            misconception="eval() only switches dropout off",
            probe=(
                'norm = layers["BatchNorm1d"]\n'
                'print("batch norm in training:  ", norm.train()(readings)[0, :4].detach())\n'
                'print("batch norm in evaluation:", norm.eval()(readings)[0, :4].detach())\n'
            ),
            why=(
                "Batch norm differs as well: the batch's statistics in training, the running ones "
                "in evaluation. A network without dropout, but with batch norm, needs `eval()` "
                "just as much."
            ),
            rule="WB203",
        ),
        Choice(
            text="Dropout, BatchNorm1d and LayerNorm",
            claim='differ == {"Dropout", "BatchNorm1d", "LayerNorm"}',
            misconception="every norm has running statistics",
            probe=(
                'print("buffers of layer norm:", dict(layers["LayerNorm"].named_buffers()))\n'
                'print("buffers of batch norm:", '
                '[name for name, _ in layers["BatchNorm1d"].named_buffers()])\n'
            ),
            why=(
                "Layer norm normalises each example by its own numbers, which are there in "
                "evaluation too. It keeps no statistics and has no buffers, so the mode makes no "
                "difference to it."
            ),
        ),
        Choice(
            text="Dropout and BatchNorm1d",
            claim='differ == {"Dropout", "BatchNorm1d"}',
            why=(
                "These two ask for `self.training`. `train()` and `eval()` do nothing but set that "
                "flag, in a module and all that are in it; every other layer here ignores it."
            ),
        ),
        Choice(
            text="Linear, BatchNorm1d and LayerNorm: those with weights",
            claim='differ == {"Linear", "BatchNorm1d", "LayerNorm"}',
            misconception="eval() is about weights: it stops their training",
            probe=(
                'linear = layers["Linear"].eval()\n'
                "linear(readings).sum().backward()\n"
                'print("gradient of the linear layer in evaluation mode, in all:",\n'
                "      linear.weight.grad.abs().sum().item())\n"
            ),
            why=(
                "`eval()` freezes nothing: gradients are computed and an optimizer would change "
                "weights, as the figure shows. It changes what certain layers compute, and one of "
                "them is dropout, which has no weights at all."
            ),
        ),
    ),
    hints=(
        "Which layers do something that a single example in evaluation could not use?",
        "One draws random numbers, another needs a batch. Does any other one?",
    ),
)
