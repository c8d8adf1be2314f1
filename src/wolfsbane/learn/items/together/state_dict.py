"""What a saved state_dict restores, and what it does not."""

from wolfsbane.learn.practice.item import Choice, Question, Topic

PROGRAM = """\
import torch
from torch import nn

def network(p):
    return nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(p))

trained = network(p=0.5)
for batch in torch.randn(20, 32, 5):  # stands for a training
    trained(batch)
saved = trained.state_dict()

loaded = network(p=0.1)  # the same layers, another rate
loaded.load_state_dict(saved)
print(sorted(saved))
"""

ITEM = Question(
    name="together-state-dict",
    title="What is in a state_dict?",
    topic=Topic.TOGETHER,
    prompt=(
        "A network's `state_dict` is loaded into a new network of the same layers, which was made "
        "with another drop rate. Which of these does the new network **not** take over?"
    ),
    program=PROGRAM,
    choices=(
        Choice(
            text="The running mean of the batch norm",
            claim="not torch.equal(loaded[1].running_mean, trained[1].running_mean)",
            misconception="running statistics are not saved",
            probe=(
                'print("trained:", trained[1].running_mean[:3])\n'
                'print("loaded: ", loaded[1].running_mean[:3])\n'
            ),
            why=(
                "Buffers are in the state_dict, next to the parameters; evaluation would not give "
                "the same results otherwise. It is `parameters()` that leaves them out."
            ),
        ),
        Choice(
            text="The weight of the linear layer",
            claim="not torch.equal(loaded[0].weight, trained[0].weight)",
            misconception="loading keeps the weights that a network was made with",
            probe=(
                'print("trained:", trained[0].weight[0].detach())\n'
                'print("loaded: ", loaded[0].weight[0].detach())\n'
            ),
            why=(
                "Weights are what a state_dict is for. `load_state_dict` copies each into the "
                "parameter of that name, and raises an error where names or shapes differ."
            ),
        ),
        Choice(
            text="The number of batches that the batch norm has seen",
            claim="not torch.equal(loaded[1].num_batches_tracked, trained[1].num_batches_tracked)",
            misconception="only tensors of weights are saved, no counts",
            probe=(
                'print("trained:", trained[1].num_batches_tracked.item())\n'
                'print("loaded: ", loaded[1].num_batches_tracked.item())\n'
            ),
            why=(
                "The count is a buffer too, a tensor of one whole number. With `momentum=None` "
                "batch norm needs it to average over all batches."
            ),
        ),
        Choice(
            text="The drop rate of the dropout",
            claim="loaded[3].p != trained[3].p",
            probe=(
                'print("trained: p =", trained[3].p)\n'
                'print("loaded:  p =", loaded[3].p)\n'
                'print("mode, training:", loaded.training)\n'
            ),
            why=(
                "`p` is a plain number of the layer, no tensor: it comes from the program that "
                "makes the network. So do `momentum`, `eps` and the mode, so a loaded network is "
                "in training mode until `eval()` is called."
            ),
        ),
    ),
    hints=(
        "The program prints the names of all that is saved. Which layer does not appear?",
        "Parameters and buffers are saved: tensors. Which of the four is no tensor?",
    ),
)
