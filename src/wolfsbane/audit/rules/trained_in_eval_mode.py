"""WB202."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from wolfsbane.audit.finding import Channel, Finding, Severity
from wolfsbane.audit.rule import Example, Rule
from wolfsbane.audit.run.observer import Observer
from wolfsbane.audit.traits.dependence import dependent_on_mode, is_frozen, listed

if TYPE_CHECKING:
    from wolfsbane.audit.layer import Layer
    from wolfsbane.audit.model.view import ModelView


class TrainedInEvalMode(Rule):
    """A model, or a part of it, that trains but is in evaluation mode from the start.

    ## What it does

    Finds parts of a model that are in evaluation mode though an optimizer trains their parameters:
    in a model that is checked together with its optimizer, and in a run where such a part was never
    in training mode.

    ## Why is this bad?

    Many hubs return models in evaluation mode, `from_pretrained` among them. Fine-tuned as it is,
    such a model trains without dropout, and its batch norms keep the statistics of other data.
    Nothing fails; the model overfits.

    ## Example

    ```python
    import torch
    from torch import nn

    encoder = nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.1)).eval()  # as a hub returns it
    model = nn.Sequential(encoder, nn.Linear(8, 2))
    optimizer = torch.optim.AdamW(model.parameters())
    ```

    ## Use instead

    ```python
    import torch
    from torch import nn

    encoder = nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.1)).eval()  # as a hub returns it
    model = nn.Sequential(encoder, nn.Linear(8, 2))
    optimizer = torch.optim.AdamW(model.parameters())
    model.train()
    ```

    ## When to ignore it

    Where a model is fine-tuned without dropout and with fixed statistics on purpose. A part whose
    parameters are frozen is not reported, nor are batch norms or dropouts that alone are in
    evaluation mode, within parts that train: these were put there one by one.

    ## References

    - [autogluon#4965](https://github.com/autogluon/autogluon/issues/4965)
    - [lightning#20986](https://github.com/Lightning-AI/pytorch-lightning/issues/20986); Lightning
      warns of modules in evaluation mode when training begins
    """

    code = "WB202"
    name = "trained-in-eval-mode"
    severity = Severity.WARNING
    examples = tuple(
        Example(
            f"""
import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.3), nn.Linear(8, 2)).eval()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
{begin}
for step in range(3):
    optimizer.zero_grad()
    model(torch.randn(5, 4)).square().mean().backward()
    optimizer.step()
""",
            Channel.RUN,
            is_invalid=begin == "pass",
        )
        for begin in ("pass", "model.train()")
    )

    def check_model(self, model: "ModelView") -> Iterator[Finding]:
        from wolfsbane.audit.run.measures.trained_modes import is_trained, whole_in_evaluation

        if model.optimizer is None:
            return
        parts: dict[str, tuple[Layer, list[str]]] = {}
        for layer in model.layers:
            label = dependent_on_mode(layer)
            if label is None or layer.module.training or is_frozen(layer):
                continue
            part = whole_in_evaluation(layer, model.layers)
            if part is not layer:
                parts.setdefault(part.path, (part, []))[1].append(label)
        for part, labels in parts.values():
            if is_trained(part, model.optimizer):
                yield self._found_in(part, labels)

    def _found_in(self, part: "Layer", labels: list[str]) -> Finding:
        shown = repr(part.path) if part.path else "the model"
        are = "is" if len(labels) == 1 else "are"
        return self.found(
            Channel.MODEL,
            part.place,
            f"{shown} is in evaluation mode though the optimizer trains it: {listed(labels)} {are} "
            "in eval mode",
            "Call train() on the model before training, or freeze what is not to be trained",
        )

    def observer(self) -> Observer:
        from wolfsbane.audit.run.measures.trained_modes import NeverTraining

        return NeverTraining(self)
