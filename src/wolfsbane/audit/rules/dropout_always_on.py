"""WB101."""

from collections.abc import Iterator

from wolfsbane.audit.finding import Channel, Finding, Severity
from wolfsbane.audit.rule import Rule
from wolfsbane.audit.source.file import Source
from wolfsbane.audit.vocabulary import DROPOUTS


class DropoutAlwaysOn(Rule):
    """Dropout that is on in evaluation too: `F.dropout` without `training=`.

    ## What it does

    Finds `torch.nn.functional.dropout` and its relatives called without `training`, or with
    `training=True`.

    ## Why is this bad?

    The function's default is `training=True`. A layer knows its mode; a function does not, so
    `model.eval()` does not reach it: evaluation and deployment go on dropping, and their results are
    random and worse.

    ## Example

    ```python
    import torch.nn.functional as F
    from torch import nn

    class Net(nn.Module):
        def forward(self, x):
            return F.dropout(x, 0.5)
    ```

    ## Use instead

    ```python
    import torch.nn.functional as F
    from torch import nn

    class Net(nn.Module):
        def forward(self, x):
            return F.dropout(x, 0.5, training=self.training)
    ```

    ## When to ignore it

    Where dropout is meant to be on in evaluation, as in Tacotron 2's prenet: `# noqa: WB101`.

    ## References

    - [torch.nn.functional.dropout](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.dropout.html)
    - [pytorch#26338](https://github.com/pytorch/pytorch/issues/26338)
    """

    code = "WB101"
    name = "dropout-always-on"
    severity = Severity.ERROR

    def check_source(self, source: Source) -> Iterator[Finding]:
        for step in source.steps:
            call = step.call
            if step.kind not in DROPOUTS or call is None or call.name is None:
                continue
            given = call.argument("training", 2)
            is_told = call.has_unknown_arguments or (
                given is not None and source.constant(given) is not True
            )
            if is_told or source.is_gated(call.node):
                continue
            yield self.found(
                Channel.SOURCE,
                source.place(call.node),
                f"{source.segment(call.node.func)} drops in evaluation too: training is not given",
                "pass training=self.training",
            )
