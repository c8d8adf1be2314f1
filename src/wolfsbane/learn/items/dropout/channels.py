"""What Dropout2d drops."""

from wolfsbane.learn.practice.item import Choice, Question, Topic

PROGRAM = """\
import torch
from torch import nn

pictures = torch.ones(8, 16, 4, 4)  # eight pictures, 16 feature maps of 4 x 4 each
out = nn.Dropout2d(0.5)(pictures)
print("first picture, first two feature maps")
print(out[0, :2])

def is_uniform(values, dimensions):
    return bool((values.amax(dimensions) == values.amin(dimensions)).all())
"""

ITEM = Question(
    name="dropout-channels",
    title="Dropout for feature maps",
    topic=Topic.DROPOUT,
    prompt="""\
After a convolution comes `nn.Dropout2d(0.5)`. It is given eight pictures with 16 feature maps
each, in a tensor of shape `(8, 16, 4, 4)`. What does it drop?
""",
    program=PROGRAM,
    choices=(
        Choice(
            text="Single pixels of single feature maps",
            claim="not is_uniform(out, (2, 3)) and not is_uniform(out, 1)",
            why="That is `nn.Dropout`. Neighbouring pixels of a feature map say nearly the same, "
            "so a single one is hardly missed; `nn.Dropout2d` therefore drops a map as a whole.",
            misconception="Dropout2d drops single elements",
            probe="""\
for layer in (nn.Dropout(0.5), nn.Dropout2d(0.5)):
    maps = layer(pictures).flatten(2)
    mixed = int((maps.amax(2) != maps.amin(2)).sum())
    print(f"{layer}: {mixed} of 128 feature maps have both dropped and kept pixels")
""",
        ),
        Choice(
            text="Whole pictures",
            claim="is_uniform(out, (1, 2, 3))",
            why="Each picture keeps about half of its feature maps. To drop a whole branch for a "
            "whole example is another method, stochastic depth.",
            misconception="Dropout2d drops examples",
            probe="""\
print("feature maps kept, of 16, in each picture:", (out.amax((2, 3)) > 0).sum(1).tolist())
""",
        ),
        Choice(
            text="The same pixels in all feature maps",
            claim="is_uniform(out, 1)",
            why="The 2 stands for inputs with two dimensions in space, not for what is dropped. "
            "Each feature map is dropped or kept as a whole, whatever its pixels.",
            misconception="Dropout2d drops places of the picture",
            probe="""\
corner = out[0, :, 0, 0].tolist()
print("the corner pixel of the first picture, in all 16 feature maps:", corner)
""",
        ),
        Choice(
            text="Whole feature maps, others in each picture",
            claim="is_uniform(out, (2, 3)) and not is_uniform(out, (1, 2, 3)) "
            "and not is_uniform(out, 0)",
            why="One random number is drawn for each picture and feature map. What is kept is "
            "divided by 1 - p, as ever.",
            probe="""\
for number in range(3):
    kept = (out[number].amax((1, 2)) > 0).nonzero().flatten()
    print(f"picture {number} keeps maps", kept.tolist())
""",
        ),
    ),
    hints=(
        "Look at what is printed: are there zeros and twos within one 4 x 4 feature map?",
        "Another name for it is channel dropout, or spatial dropout.",
    ),
)
