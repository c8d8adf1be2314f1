"""Mistakes with dropout."""

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from wolfsbane.learn.playground.mistakes import needs
from wolfsbane.learn.playground.mistakes.mistake import Edit, Mistake

if TYPE_CHECKING:
    from wolfsbane.learn.playground.setup import Setup

MADE = r"nn\.Dropout\((.*)\)$"
CALL = r"^        x = self\.dropout\(x\)$"
LAYER = r"^        self\.dropout = nn\.Dropout\((.*)\)\n((?:.*\n)*?)        x = self\.dropout\(x\)$"
"""Where the layer is made, its rate, and what stands between that and its call."""


def _as_percentage(made: re.Match[str]) -> str:
    return f"nn.Dropout({100 * float(made[1]):g})"


def _before_norm(setup: "Setup") -> "Setup":
    order = [layer for layer in setup.order if layer != "dropout"]
    order.insert(order.index("norm"), "dropout")
    return replace(setup, order=tuple(order))


FUNCTION_ALWAYS_ON = Mistake(
    "dropout-always-on",
    "WB101",
    "F.dropout without training=",
    "The function's `training` is True unless you say otherwise, whatever mode the model is in: "
    "look at the eval column, which drops too, and at the evaluation's curves.",
    (Edit(LAYER, r"\2        x = F.dropout(x, \1)"),),
    needs.dropout,
)
UNUSED = Mistake(
    "dropout-unused",
    "WB103",
    "dropout is made, and not called in forward",
    "`print(model)` shows the layer, and the data never pass it: the network is one without "
    "dropout.",
    (Edit(CALL + "\n", ""),),
    needs.dropout,
)
DISCARDED = Mistake(
    "dropout-discarded",
    "WB104",
    "the result of dropout is thrown away",
    "Dropout returns a new tensor and leaves the old one as it is. Without `x =` the network is "
    "one without dropout.",
    (Edit(CALL, "        self.dropout(x)"),),
    needs.dropout,
)
MADE_IN_FORWARD = Mistake(
    "dropout-made-in-forward",
    "WB105",
    "dropout is made anew in every forward",
    "Each call makes a fresh layer, and a fresh layer is in training mode: `eval()` cannot reach "
    "what does not exist yet.",
    (Edit(LAYER, r"\2        x = nn.Dropout(\1)(x)"),),
    needs.dropout,
)
PERCENTAGE = Mistake(
    "dropout-rate-as-percentage",
    "WB106",
    "p as a percentage",
    "p is a probability. torch raises an error as soon as the layer is made.",
    (Edit(MADE, _as_percentage),),
    needs.dropout,
)
RATE = Mistake(
    "dropout-unknown-argument",
    "WB107",
    "rate= as in Keras",
    "torch's argument is called `p`; any other name is an error as soon as the layer is made.",
    (Edit(MADE, r"nn.Dropout(rate=\1)"),),
    needs.dropout,
)
EVERYTHING = Mistake(
    "dropout-drops-everything",
    "WB108",
    "p = 1",
    "p is the probability to drop, not to keep. With 1 every value is 0 in training: the weights "
    "before it get no gradient, and the network guesses.",
    (Edit(MADE, "nn.Dropout(1.0)"),),
    needs.dropout,
)
BEFORE_BATCH_NORM = Mistake(
    "dropout-before-batch-norm",
    "WB111",
    "dropout straight before batch norm",
    "Dropout makes the variance of what batch norm sees larger in training than in evaluation. "
    "Compare the running variance with the batch's variance in the eval column.",
    (),
    needs.dropout_behind_batch_norm,
    _before_norm,
)
ON_LOGITS = Mistake(
    "dropout-on-logits",
    "WB112",
    "dropout behind the last layer",
    "A dropped logit is 0, which is an answer like any other. The training loss is that of answers "
    "that the network did not give.",
    (
        Edit(
            r"^        self\.output = (.*)$",
            r"        self.output = \1\n        self.dropout = nn.Dropout(0.3)",
        ),
        Edit(r"^        x = self\.output\(x\)$", r"\g<0>\n        x = self.dropout(x)"),
    ),
)

MISTAKES = (
    FUNCTION_ALWAYS_ON,
    UNUSED,
    DISCARDED,
    MADE_IN_FORWARD,
    PERCENTAGE,
    RATE,
    EVERYTHING,
    BEFORE_BATCH_NORM,
    ON_LOGITS,
)
