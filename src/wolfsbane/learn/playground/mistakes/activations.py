"""Mistakes with activations."""

import re

from wolfsbane.learn.playground.mistakes import needs
from wolfsbane.learn.playground.mistakes.mistake import Edit, Mistake

OUTPUT = r"^        x = self\.output\(x\)$"


def _linear_alone(blocks: re.Match[str]) -> str:
    return blocks[0].replace("Block(", "nn.Linear(")


SOFTMAX = Mistake(
    "softmax-before-cross-entropy",
    "WB401",
    "softmax before cross-entropy",
    "Cross-entropy applies a softmax itself. Of a softmax's result it cannot become small: for two "
    "classes not below 0.31, however right the answers are.",
    (Edit(OUTPUT, "        x = self.output(x).softmax(dim=1)"),),
)
RELU_ON_LOGITS = Mistake(
    "relu-on-logits",
    "WB403",
    "ReLU on the logits",
    "No logit can be negative, so a class can only be argued for; where the value before was "
    "negative, no gradient flows.",
    (Edit(OUTPUT, "        x = F.relu(self.output(x))"),),
)
NO_ACTIVATION = Mistake(
    "linear-without-activation",
    "WB404",
    "linear layers and nothing between them",
    "Linear layers in a row are one linear layer: the boundary between the classes is a straight "
    "line, whatever the width.",
    (
        Edit(r"^class Block(?:.*\n)*?\n\n(?=class MLP)", ""),
        Edit(r"nn\.Sequential\(\n(?:.*\n)*?        \)$", _linear_alone),
    ),
    needs.hidden_layers_with_activation,
)
DEAD = Mistake(
    "dead-relu",
    "WB405",
    "biases far below zero",
    "The hidden layers' biases start at -10. Almost every unit is 0 for every example, so its "
    "gradient is 0 as well, and it stays dead: the tables count them.",
    (
        Edit(
            r"^        self\.linear = .*$",
            r"\g<0>\n        nn.init.constant_(self.linear.bias, -10.0)",
        ),
    ),
    needs.relu_without_norm,
)
SATURATED = Mistake(
    "saturated-activation",
    "WB406",
    "initial weights that are far too large",
    "tanh is flat where its input is large: almost all of its values are at 1 or -1, and hardly "
    "any gradient passes.",
    (
        Edit(
            r"^        self\.linear = .*$",
            r"\g<0>\n        nn.init.normal_(self.linear.weight, std=100.0)",
        ),
    ),
    needs.tanh_without_norm,
)
IN_PLACE = Mistake(
    "in-place-breaks-gradient",
    "WB407",
    "x *= 2 after the activation",
    "The derivative is computed from what the activation returned, and that has been overwritten. "
    "torch raises an error in the first backward pass.",
    (Edit(r"^        x = self\.activation\(x\)$", r"\g<0>\n        x *= 2"),),
    needs.result_is_saved,
)

MISTAKES = (SOFTMAX, RELU_ON_LOGITS, NO_ACTIVATION, DEAD, SATURATED, IN_PLACE)
