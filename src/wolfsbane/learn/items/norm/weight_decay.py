"""Mend: a weight decay that pulls on batch norm's parameters too."""

from wolfsbane.learn.practice.item import Check, Repair, Topic

PROGRAM = """\
import torch
from torch import nn

readings = torch.randn(256, 20)  # of 20 sensors at each of 256 machines, standardised
is_faulty = (readings[:, :5].sum(dim=1, keepdim=True) > 0).float()

model = nn.Sequential(nn.Linear(20, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.5)
for step in range(300):
    loss = nn.functional.binary_cross_entropy_with_logits(model(readings), is_faulty)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

decayed = [group for group in optimizer.param_groups if group["weight_decay"] > 0]
pulled = {id(each) for group in decayed for each in group["params"]}
names = [name for name, each in model.named_parameters() if id(each) in pulled]
print("decayed:", ", ".join(names))
"""
MADE = "optimizer = torch.optim.AdamW(model.parameters(), lr=0.01, weight_decay=0.5)\n"
GROUPS = """\
matrices = [each for each in model.parameters() if each.dim() > 1]
vectors = [each for each in model.parameters() if each.dim() == 1]
optimizer = torch.optim.AdamW(
    [{"params": matrices}, {"params": vectors, "weight_decay": 0.0}], lr=0.01, weight_decay=0.5
)
"""
BY_NAME = """\
weights = [each for name, each in model.named_parameters() if "weight" in name]
biases = [each for name, each in model.named_parameters() if "bias" in name]
optimizer = torch.optim.AdamW(
    [{"params": weights}, {"params": biases, "weight_decay": 0.0}], lr=0.01, weight_decay=0.5
)
"""
NUMBER = "sum(len(group['params']) for group in optimizer.param_groups)"

ITEM = Repair(
    name="norm-weight-decay",
    title="A decay that pulls on the norm",
    topic=Topic.NORM,
    prompt=(
        "Weight decay draws weights towards 0, so that they stay small. Here it also draws batch "
        "norm's weights, which begin at 1 and say how much of each feature is used. Keep the decay "
        "for the weights of both linear layers, take batch norm out of it, and let every parameter "
        "train."
    ),
    program=PROGRAM,
    solution=PROGRAM.replace(MADE, GROUPS),
    rules=("WB902",),
    checks=(
        Check(
            claim="any(isinstance(layer, nn.BatchNorm1d) for layer in model.modules())",
            message=(
                "No batch norm is decayed, for there is none: the model is "
                "{', '.join(type(layer).__name__ for layer in model.children())}."
            ),
            why=(
                "Weight decay and batch norm go together well. All it takes is two groups of "
                "parameters in one optimizer."
            ),
            misconception="weight decay and batch norm exclude each other",
            example=PROGRAM.replace(" nn.BatchNorm1d(64),", ""),
        ),
        Check(
            claim=(
                "{id(layer.weight) for layer in model.modules() if isinstance(layer, nn.Linear)} "
                "<= {id(each) for group in optimizer.param_groups if group['weight_decay'] > 0 "
                "for each in group['params']}"
            ),
            message=(
                "The weights of both linear layers should be decayed. Decayed now: "
                "{', '.join(names) or 'nothing'}."
            ),
            why=(
                "A decay of 0 for all is not what was asked: the weights of the linear layers may "
                "grow without bound again. An optimizer takes several groups of parameters, each "
                "with a decay of its own."
            ),
            misconception="an optimizer has one weight decay for all parameters",
            example=PROGRAM.replace("weight_decay=0.5", "weight_decay=0.0"),
        ),
        Check(
            claim=f"{NUMBER} == len(list(model.parameters()))",
            message=(
                f"The optimizer has {{{NUMBER}}} of the model's "
                "{len(list(model.parameters()))} tensors. The others are not trained at all."
            ),
            why=(
                "What is not to be decayed still has to be trained. Give it to the optimizer in a "
                "second group, with `weight_decay` 0."
            ),
            misconception="what is not decayed is left out of the optimizer",
            example=PROGRAM.replace(
                "AdamW(model.parameters(),",
                "AdamW([each for each in model.parameters() if each.dim() > 1],",
            ),
        ),
        Check(
            claim=(
                "not any(id(each) in pulled for layer in model.modules() "
                "if isinstance(layer, nn.BatchNorm1d) for each in layer.parameters())"
            ),
            message="Decayed are {', '.join(names)}, and `1.weight` or `1.bias` is batch norm's.",
            why=(
                "Batch norm calls its scale `weight`, as a linear layer calls its matrix, so the "
                "name cannot tell them apart. The shape can: a matrix has two dimensions, a scale "
                "or a bias has one."
            ),
            misconception="whatever is called weight should be decayed",
            example=PROGRAM.replace(MADE, BY_NAME),
            rule="WB902",
        ),
    ),
    hints=(
        "An optimizer takes a list of groups: dicts with `params` and settings of their own.",
        "Linear weights have two dimensions. How many have batch norm's parameters, and biases?",
        'One group as it is; one `{"params": ..., "weight_decay": 0.0}` where `dim() == 1`.',
    ),
    why=(
        "The matrices are drawn towards 0, and whatever has one dimension is left to the loss "
        "alone. Before a batch norm the decay has an effect of its own: the size of those weights "
        "does not change the output, but the smaller they are, the larger a step of the optimizer "
        "is in proportion. So decay and learning rate have to be chosen together."
    ),
    note="This program runs without an error. It is meant to decay more than it should.",
)
