"""WB305."""

import importlib
from collections.abc import Iterator

from wolfsbane.audit.finding import Channel, Finding, Severity
from wolfsbane.audit.layer import Layer
from wolfsbane.audit.model.view import ModelView
from wolfsbane.audit.rule import Rule
from wolfsbane.audit.traits.batch_norms import (
    ENOUGH_SAMPLES,
    is_synchronised,
    listed,
    normalises_by_batch,
    samples,
)
from wolfsbane.audit.traits.loaders import batches_of
from wolfsbane.audit.vocabulary import BATCH_NORMS

WRAPPERS = {"DistributedDataParallel", "FullyShardedDataParallel", "FSDPModule"}
"""Classes that share a model's training out over processes: torch's, apex's."""


class BatchnormSmallRankBatch(Rule):
    """In distributed training each batch norm sees only its own rank's few samples.

    ## What it does

    Finds plain batch norms in a model that is wrapped in `DistributedDataParallel`, or that exists
    in one of several processes, where the loader gives each rank fewer than 16 samples.

    ## Why is this bad?

    `DistributedDataParallel` averages gradients. The statistics of batch norms it does not: each
    rank normalises with those of its own samples, and rank 0's running statistics are kept. Eight
    ranks of 2 samples are a batch of 16 to the optimizer, and one of 2 to the batch norms:
    ResNet-50's error on ImageNet is then 34.7% instead of 23.6% (Wu and He 2018).

    ## Example

    ```python
    import torch
    from torch import distributed, nn
    from torch.nn.parallel import DistributedDataParallel
    from torch.utils.data import DataLoader, TensorDataset

    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    model = nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8))
    model = DistributedDataParallel(model)
    loader = DataLoader(TensorDataset(torch.randn(64, 3, 8, 8)), batch_size=2)
    distributed.destroy_process_group()
    ```

    ## Use instead

    ```python
    import torch
    from torch import distributed, nn
    from torch.nn.parallel import DistributedDataParallel
    from torch.utils.data import DataLoader, TensorDataset
    from wolfsbane import surgery

    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    model = nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8))
    surgery.convert_sync_batchnorm(model).apply()
    model = DistributedDataParallel(model)
    loader = DataLoader(TensorDataset(torch.randn(64, 3, 8, 8)), batch_size=2)
    distributed.destroy_process_group()
    ```

    ## When to ignore it

    Where the network is known to train well at this batch size, or where the exchange at each layer
    costs too much and group norm is no choice.

    ## References

    - Wu and He 2018, Group Normalization, arXiv:1803.08494, table 2
    - Peng et al. 2018, MegDet, arXiv:1711.07240, section 3.2
    - [pytorch-image-models#110](https://github.com/huggingface/pytorch-image-models/issues/110)
    - [pytorch#2584](https://github.com/pytorch/pytorch/issues/2584)
    """

    code = "WB305"
    name = "batchnorm-small-rank-batch"
    severity = Severity.WARNING

    def check_model(self, model: ModelView) -> Iterator[Finding]:
        """Report plain batch norms of a distributed model, by the loader's batch size."""
        batches = batches_of(model.loader)
        if batches is None or batches.batch_size >= ENOUGH_SAMPLES:
            return
        norms = [
            layer
            for layer in _distributed(model)
            if normalises_by_batch(layer.module) and not is_synchronised(layer.module)
        ]
        if norms:
            yield self.found(
                Channel.MODEL,
                norms[0].place,
                f"{listed(norms)} would normalise each rank's "
                f"{samples(batches.batch_size)} alone: "
                f"the model is trained by several processes, but only gradients are shared",
                "Share the statistics before the model is wrapped: "
                "wolfsbane.surgery.convert_sync_batchnorm(model).apply()",
            )


def _distributed(model: ModelView) -> list[Layer]:
    """Return the batch norms that several processes train."""
    norms = model.of_kind(BATCH_NORMS)
    if _num_processes() > 1:
        return norms
    wrappers = [
        layer.path
        for layer in model.layers
        if any(known.__name__ in WRAPPERS for known in type(layer.module).__mro__)
    ]
    return [
        norm
        for norm in norms
        if any(not path or norm.path.startswith(f"{path}.") for path in wrappers)
    ]


def _num_processes() -> int:
    distributed = importlib.import_module("torch.distributed")
    if not (distributed.is_available() and distributed.is_initialized()):
        return 1
    return int(distributed.get_world_size())
