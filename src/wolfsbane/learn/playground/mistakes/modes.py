"""Mistakes with `train()` and `eval()`, and with how a module knows its layers."""

from wolfsbane.learn.playground.mistakes import needs
from wolfsbane.learn.playground.mistakes.mistake import Edit, Mistake

TRAIN_NOT_RESTORED = Mistake(
    "train-not-restored",
    "WB201",
    "train() is not called again after an evaluation",
    "From the second epoch on the network trains in evaluation mode. Dropout drops nothing, so the "
    "training loss falls lower than it should; batch norm keeps the statistics of the first epoch.",
    (Edit(r"^    model\.train\(\)\n", ""),),
    needs.several_epochs,
)
EVALUATED_IN_TRAIN_MODE = Mistake(
    "evaluated-in-train-mode",
    "WB203",
    "no eval() before an evaluation",
    "`no_grad` does not switch dropout off. The curves are lower and shakier than those of the "
    "same network in evaluation mode, and batch norm's running statistics now also follow the test "
    "data.",
    (Edit(r"^    model\.eval\(\)\n", ""),),
    needs.layer_that_depends_on_mode,
)
EVAL_WITHOUT_PARENTHESES = Mistake(
    "eval-without-parentheses",
    "WB204",
    "model.eval without parentheses",
    "The line names the method and does not call it. Nothing is raised; the network is evaluated "
    "in training mode.",
    (Edit(r"model\.eval\(\)", "model.eval"),),
    needs.layer_that_depends_on_mode,
)
LAYERS_IN_A_LIST = Mistake(
    "layers-in-a-list",
    "WB205",
    "hidden layers in a plain list",
    "The optimizer does not know the hidden layers, so only the last layer learns; and `eval()` "
    "does not reach them.",
    (
        Edit(r"nn\.Sequential\(\n((?:.*\n)*?)        \)$", r"[\n\1        ]"),
        Edit(
            r"^        x = self\.hidden\(x\)",
            "        for block in self.hidden:\n            x = block(x)",
        ),
    ),
)

MISTAKES = (
    TRAIN_NOT_RESTORED,
    EVALUATED_IN_TRAIN_MODE,
    EVAL_WITHOUT_PARENTHESES,
    LAYERS_IN_A_LIST,
)
