"""Over which values BatchNorm2d takes its mean: a channel's, over batch, height and width."""

from wolfsbane.learn.practice.item import Choice, Question, Topic

PROGRAM = """\
import torch
from torch import nn

photos = torch.rand(8, 3, 16, 16)  # 8 photos, 3 colours, 16 x 16 pixels
photos[:, 2] *= 0.2  # little blue in them
norm = nn.BatchNorm2d(3)
out = norm(photos).detach()
print("means before:", photos.mean((0, 2, 3)), "after:", out.mean((0, 2, 3)).round(decimals=3))

def normalised(over):
    mean = photos.mean(over, keepdim=True)
    variance = photos.var(over, keepdim=True, unbiased=False)
    return (photos - mean) / (variance + norm.eps).sqrt()
"""
MEANS = """\
print("means that are kept:", norm.running_mean.numel())
print("means over {over}:", photos.mean({over}).numel())
print("largest difference to such an output:", (out - normalised({over})).abs().max().item())
"""

ITEM = Question(
    name="norm-channels",
    title="Photos: how many means?",
    topic=Topic.NORM,
    prompt=(
        "Eight colour photos, as `(N, C, H, W) = (8, 3, 16, 16)`, go through `BatchNorm2d(3)` in "
        "training mode. Which values share a mean?"
    ),
    program=PROGRAM,
    choices=(
        Choice(
            text="Those of one photo's one colour: 24 means",
            claim="torch.allclose(out, normalised((2, 3)), atol=0.001)",
            misconception="each picture is normalised by itself",
            probe=MEANS.replace("{over}", "(2, 3)"),
            why=(
                "That is `nn.InstanceNorm2d`. It makes a dark photo as bright as any other. Batch "
                "norm goes over the photos of the batch too, so a dark photo stays darker than "
                "its neighbours."
            ),
        ),
        Choice(
            text="Those of one pixel and colour over the photos: 768 means",
            claim="torch.allclose(out, normalised((0,)), atol=0.001)",
            misconception="each position of a picture has its own mean",
            probe=MEANS.replace("{over}", "(0,)"),
            why=(
                "For a plain table, that would be it: a mean per column. But a convolution uses "
                "the same weights at every place, so batch norm treats every place alike, too: "
                "it averages over height and width as well."
            ),
        ),
        Choice(
            text="Those of one colour, over all photos and pixels: 3 means",
            claim="torch.allclose(out, normalised((0, 2, 3)), atol=0.001)",
            probe=MEANS.replace("{over}", "(0, 2, 3)"),
            why=(
                "One mean per channel, each over 8 · 16 · 16 = 2048 values. So even a batch of one "
                "photo has a variance, which a batch of one row in `BatchNorm1d` has not."
            ),
        ),
        Choice(
            text="Those of one photo, all colours together: 8 means",
            claim="torch.allclose(out, normalised((1, 2, 3)), atol=0.001)",
            misconception="batch norm has one mean for each example of the batch",
            probe=MEANS.replace("{over}", "(1, 2, 3)"),
            why=(
                "That is layer norm over the whole photo. Batch norm never mixes channels: blue, "
                "which is weak in these photos, is brought to deviation 1 like the others."
            ),
        ),
    ),
    hints=(
        "The argument 3 is the number of channels. How many means are kept?",
        "`normalised(over)` averages over the dimensions that it is given. N is 0, C is 1.",
    ),
)
