"""WB103."""

from collections.abc import Iterator

from wolfsbane.audit.finding import Channel, Finding, Severity
from wolfsbane.audit.layer import Layer
from wolfsbane.audit.rule import Example, Rule
from wolfsbane.audit.run.measures.dropout_calls import DropoutCalls
from wolfsbane.audit.run.observer import Observer
from wolfsbane.audit.source.file import Source
from wolfsbane.audit.source.patterns.attributes import (
    attribute_of,
    is_value_used,
    is_whole,
    may_be_used,
)
from wolfsbane.audit.vocabulary import DROPOUTS

HELP = "Call it in forward, or remove it"

NET = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 8)
        self.drop = nn.Dropout(0.2)
        self.head = nn.Linear(8, 1)

    def forward(self, x):
        h = torch.tanh(self.fc(x))
        return self.head({h})

torch.manual_seed(0)
model, x = Net(), torch.randn(16, 4)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for _ in range(3):
    optimizer.zero_grad()
    nn.functional.mse_loss(model(x), x[:, :1]).backward()
    optimizer.step()
"""

USED = """
import torch.nn.functional as F
from torch import nn
from mine import Base

class Early(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.drop = nn.Dropout(config.drop) if config.drop else nn.Identity()
        self.steps = nn.Sequential(nn.Linear(8, 8), self.drop)

    def forward(self, x):
        return self.steps(x)

class Rate(nn.Module):
    def __init__(self):
        super().__init__()
        self.attn_drop = nn.Dropout(0.1)

    def forward(self, q, k, v):
        p = self.attn_drop.p if self.training else 0.0
        return F.scaled_dot_product_attention(q, k, v, dropout_p=p)

class Kept(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.dropout = nn.Dropout(config.attention_dropout)
        self.rate = config.attention_dropout

    def forward(self, q, k, v):
        p = self.rate if self.training else 0.0
        return F.scaled_dot_product_attention(q, k, v, dropout_p=p)

class ByName(nn.Module):
    def __init__(self):
        super().__init__()
        self.drop1 = nn.Dropout(0.1)
        self.drop2 = nn.Dropout(0.2)

    def forward(self, x):
        return getattr(self, f"drop{x.ndim}")(x)

class Abstract(nn.Module):
    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout(0.1)

class Inherited(Base):
    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout(0.1)

    def forward(self, x):
        return super().forward(x)
"""


class DropoutUnused(Rule):
    """A dropout layer that is made, and never used.

    ## What it does

    Finds a dropout that `__init__` assigns to `self` and that no method uses. In a run, it finds a
    dropout that was not called once although the module that holds it was trained.

    A layer whose rate is handed to a function (`self.drop.p`, or `self.config.dropout`), one that
    is reached by `getattr` or `children()`, and one that a base class of another file may use are
    left alone.

    ## Why is this bad?

    `print(model)` shows the dropout, the configuration sets its rate, and nothing is dropped: a
    search over rates compares noise.

    ## Example

    ```python
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(8, 8)
            self.drop = nn.Dropout(0.5)

        def forward(self, x):
            return self.fc(x)
    ```

    ## Use instead

    ```python
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(8, 8)
            self.drop = nn.Dropout(0.5)

        def forward(self, x):
            return self.fc(self.drop(x))
    ```

    ## When to ignore it

    Where the layer is kept for another program, such as a subclass elsewhere, or so that an old
    configuration still loads.

    ## References

    - [tirex#19](https://github.com/NX-AI/tirex/issues/19),
      [x-transformers#175](https://github.com/lucidrains/x-transformers/issues/175)
    """

    code = "WB103"
    name = "dropout-unused"
    severity = Severity.WARNING
    examples = (
        Example(USED, Channel.SOURCE, is_invalid=False),
        Example(NET.format(h="h"), Channel.RUN, is_invalid=True),
        Example(NET.format(h="self.drop(h)"), Channel.RUN, is_invalid=False),
    )

    def check_source(self, source: Source) -> Iterator[Finding]:
        for creation in source.creations:
            owner = creation.call.function.owner
            is_made_once = creation.call.function.name == "__init__"
            if creation.kind not in DROPOUTS or not is_made_once or owner is None:
                continue
            attribute = attribute_of(source, creation)
            if attribute is None or not is_whole(source, owner):
                continue
            if may_be_used(source, owner, attribute):
                continue
            rate = creation.call.argument("p", 0)
            if rate is not None and (
                source.constant(rate) == 0 or is_value_used(source, owner, rate)
            ):
                continue
            message = (
                f"dropout {attribute!r} is made in __init__, and no method of {owner.name} uses it"
            )
            yield self.found(Channel.SOURCE, source.place(creation.call.node), message, HELP)

    def observer(self) -> Observer:
        return DropoutCalls(self._in_run)

    def _in_run(self, layer: Layer, rate: float, parent: Layer, num_calls: int) -> Finding:
        times = "the one training call" if num_calls == 1 else f"all {num_calls} training calls"
        message = f"{layer} p={rate:g} was left out in {times} of {parent} that were seen"
        return self.found(Channel.RUN, layer.place, message, HELP)
