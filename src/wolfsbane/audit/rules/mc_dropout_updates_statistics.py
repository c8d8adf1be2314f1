"""WB206."""

from collections.abc import Iterator

from wolfsbane.audit.finding import Channel, Finding, Severity
from wolfsbane.audit.rule import Example, Rule
from wolfsbane.audit.run.observer import Observer
from wolfsbane.audit.source.file import Source
from wolfsbane.audit.source.modes import modes_of
from wolfsbane.audit.source.modes.makers import dependent_layers
from wolfsbane.audit.vocabulary import BATCH_NORMS


class McDropoutUpdatesStatistics(Rule):
    """Monte-Carlo dropout by `model.train()`: batch norm changes with every sample.

    ## What it does

    Finds a model with batch norm that is put through the same input several times without
    gradients, in training mode. In a run, counts these calls, and the batch norms that they update.

    ## Why is this bad?

    `model.train()` turns dropout on, and batch norm with it. The samples then differ by more than
    dropout: each is normalised by its own batch. Worse, each moves the running statistics, so that
    asking how sure the model is changes the model, and predictions get worse with every call.

    ## Example

    ```python
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Linear(20, 50), nn.BatchNorm1d(50), nn.Dropout(0.5))

        def forward(self, x):
            return self.body(x)

    def uncertainty(net, x):
        net.train()
        with torch.no_grad():
            return torch.stack([net(x) for _ in range(30)]).std(0)

    net = Net()
    net.load_state_dict(torch.load("net.pt"))
    print(uncertainty(net, torch.randn(8, 20)))
    ```

    ## Use instead

    ```python
    import torch
    import wolfsbane
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Linear(20, 50), nn.BatchNorm1d(50), nn.Dropout(0.5))

        def forward(self, x):
            return self.body(x)

    net = Net()
    net.load_state_dict(torch.load("net.pt"))
    print(wolfsbane.mc_dropout(net, torch.randn(8, 20), 30).std)
    ```

    ## When to ignore it

    Where batch norm has to be in training mode too, as in Monte-Carlo batch normalisation; keep a
    copy of its statistics then. Without batch norm in the model nothing is reported. Calls that are
    not repeated on one input are an evaluation that forgot `eval()`: WB203 looks at those, and this
    rule does not.

    ## References

    - Gal and Ghahramani, 2016, [Dropout as a Bayesian Approximation](https://arxiv.org/abs/1506.02142)
    - [lightning-uq-box#173](https://github.com/lightning-uq-box/lightning-uq-box/issues/173)
    - `wolfsbane.mc_dropout`, which turns dropout on, and nothing else
    """

    code = "WB206"
    name = "mc-dropout-updates-statistics"
    severity = Severity.ERROR
    examples = tuple(
        Example(
            f"""
import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.Linear(8, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
model(torch.randn(5, 4)).square().mean().backward()
optimizer.step()
x = torch.randn(5, 4)
{mode}
with torch.no_grad():
    print(torch.stack([model(x) for _ in range(9)]).std(0).mean())
""",
            Channel.RUN,
            is_invalid=mode == "model.train()",
        )
        for mode in ("model.train()", "model.eval(); model[2].train()")
    )

    def check_source(self, source: Source) -> Iterator[Finding]:
        record, reported = modes_of(source), set[int]()
        for call in record.evaluated:
            is_sampled = call.is_sampling and call.is_training and not call.is_method
            if id(call.node) in reported or not is_sampled:
                continue
            kinds = dependent_layers(source, record.makers_of(call.path))
            if kinds is not None and kinds & BATCH_NORMS:
                reported.add(id(call.node))
                model = source.segment(call.node.func)
                yield self.found(
                    Channel.SOURCE,
                    source.place(call.node),
                    f"'{model}' is sampled in training mode: each sample moves the running "
                    "statistics of its batch norms",
                    f"Use wolfsbane.mc_dropout({model}, ...), or call {model}.eval() and train() "
                    "on its dropouts alone",
                )

    def observer(self) -> Observer:
        from wolfsbane.audit.run.measures.evaluations import SampledInTraining

        return SampledInTraining(self)
