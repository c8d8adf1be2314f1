"""One rank that recalibrates: python worker.py RANK WORLD_SIZE FOLDER.

Writes what each scenario gave to FOLDER/rank{RANK}.pt. Ranks talk over gloo, on the CPU.
"""

import sys
from pathlib import Path

import torch
from torch import distributed
from torch.nn import BatchNorm1d, Linear, Sequential
from torch.nn.parallel import DistributedDataParallel

from wolfsbane import nn, stats
from wolfsbane.errors import WolfsbaneError

SIZES = {0: (5, 2, 7), 1: (4,)}
"""Samples in each batch of each rank."""


def batches(rank, sizes=SIZES):
    generator = torch.Generator().manual_seed(rank)
    return [
        torch.randn(n, 2, generator=generator, dtype=torch.float64) + 10 * rank for n in sizes[rank]
    ]


def network(norm):
    torch.manual_seed(0)
    return Sequential(norm(2), Linear(2, 2), norm(2)).double()


def recalibrated(model, own):
    """Return what came of it: statistics and counts, or the error, and the state in any case."""
    try:
        report = stats.recalibrate(model, own)
        result = {
            "num_batches": report.num_batches,
            "counts": [layer.count for layer in report.layers],
        }
    except (WolfsbaneError, RuntimeError) as error:
        result = {"error": f"{type(error).__name__}: {error}"}
    return result | {"state": {name: t.clone() for name, t in model.state_dict().items()}}


def failing(rank):
    yield from batches(rank)
    if rank == 0:
        raise RuntimeError("disk")


def poisoned(rank):
    own = batches(rank)
    if rank == 1:
        own[0][0, 0] = torch.nan
    return own


def one_sample_each(rank):
    return [torch.full((1, 2), float(4 * rank), dtype=torch.float64)]


def main(rank, world_size, folder):
    distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/store", rank=rank, world_size=world_size
    )
    wrapped = DistributedDataParallel(network(BatchNorm1d))
    results = {
        "unequal": recalibrated(network(BatchNorm1d), batches(rank)),
        "none on rank 1": recalibrated(network(BatchNorm1d), batches(rank) if rank == 0 else []),
        "none at all": recalibrated(network(BatchNorm1d), []),
        "data parallel": recalibrated(wrapped, batches(rank)),
        "failing": recalibrated(network(BatchNorm1d), failing(rank)),
        "failing in step": recalibrated(network(nn.SyncBatchNorm), failing(rank)),
        "not finite": recalibrated(network(BatchNorm1d), poisoned(rank)),
        "in step": recalibrated(network(nn.SyncBatchNorm), batches(rank)),
        "in step, torch's": recalibrated(network(torch.nn.SyncBatchNorm), batches(rank)),
        "one sample each": recalibrated(nn.SyncBatchNorm(2).double(), one_sample_each(rank)),
        "after errors": recalibrated(network(BatchNorm1d), batches(rank)),
    }
    torch.save(results, folder / f"rank{rank}.pt")
    distributed.barrier()
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
