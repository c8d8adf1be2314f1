"""What becomes of the values that are kept."""

from wolfsbane.learn.practice.item import Choice, Question, Topic

PROGRAM = """\
import torch
from torch import nn

degrees = torch.full((10_000,), 20.0)  # a sensor's readings
out = nn.Dropout(0.2)(degrees)
kept = out[out != 0]
print(out[:8])
"""

ITEM = Question(
    name="dropout-scale",
    title="What is kept, and how large it is",
    topic=Topic.DROPOUT,
    prompt="""\
10,000 readings of 20 degrees go through `nn.Dropout(0.2)` in training mode. About a fifth of them
become 0. What are the others?
""",
    program=PROGRAM,
    choices=(
        Choice(
            text="20, as before",
            claim="torch.allclose(kept, torch.tensor(20.0))",
            why="Then the mean would fall to 16 in training and be 20 in evaluation, and the next "
            "layer would meet sums that it was not trained on. PyTorch makes up for what is "
            "missing: it divides what is kept by 1 - p.",
            misconception="kept values stay as they are",
            probe="""\
print(f"kept {kept[0]:.0f}; mean of all {out.mean():.1f}, "
      f"and {degrees.where(out != 0, 0.0).mean():.1f} if kept values were left as they are")
""",
        ),
        Choice(
            text="16, which is 20 · (1 - p)",
            claim="torch.allclose(kept, torch.tensor(16.0))",
            why="Multiplying by 1 - p is what Srivastava et al. (2014) do in *evaluation*. In "
            "training it would make what is too little smaller still. PyTorch divides in training, "
            "and leaves evaluation alone.",
            misconception="kept values are multiplied by 1 - p",
            probe="""\
print(f"kept {kept[0]:.0f}; 20 * 0.8 = {20 * 0.8:.0f}, and 20 / 0.8 = {20 / 0.8:.0f}")
""",
        ),
        Choice(
            text="25, which is 20 / (1 - p)",
            claim="torch.allclose(kept, torch.tensor(25.0))",
            why="Four fifths are left, each 5/4 as large: on average nothing changes, and so "
            "evaluation need not change anything either. This is called inverted dropout.",
            probe="""\
print(f"kept {kept[0]:.0f}, dropped 0; mean of all 10,000 {out.mean():.1f}")
""",
        ),
        Choice(
            text="100, which is 20 / p",
            claim="torch.allclose(kept, torch.tensor(100.0))",
            why="What is divided by has to be the share that is *kept*. Divided by p, the mean "
            "would be four times too large here, and infinite for p = 0.",
            misconception="kept values are divided by p",
            probe="""\
for p in (0.2, 0.5, 0.8):
    value = nn.Dropout(p)(degrees).max().item()
    print(f"p = {p}: kept {value:.0f}; 20 / p would be {20 / p:.0f}")
""",
        ),
    ),
    hints=(
        "The next layer adds its inputs up. What would become of the sum if a fifth were missing?",
        "The mean over all 10,000, zeros included, stays at 20.",
        "0.8 · 10,000 readings have to bring the same sum: 20 / 0.8.",
    ),
)
