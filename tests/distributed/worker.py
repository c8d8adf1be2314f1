"""One rank that trains: python worker.py RANK WORLD_SIZE FOLDER JOB...

Writes the results of each job to FOLDER/rank{RANK}.pt. Ranks talk over gloo, on the CPU.
"""

import sys
from pathlib import Path

import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

from training import (
    batches,
    every_layer,
    independent_samples,
    normalised_over_all,
    part_of,
    train,
)
from wolfsbane.mask import shard
from wolfsbane.nn import SyncBatchNorm


def parts_of_one_mask(rank, world_size):
    model = DistributedDataParallel(normalised_over_all())
    with shard(rank, world_size):
        return train(model, part_of(rank, world_size))


def masks_of_their_own(rank, world_size):
    model = DistributedDataParallel(independent_samples())
    return train(model, part_of(rank, world_size), seed=rank)


def compiled(rank, world_size):
    model = DistributedDataParallel(independent_samples())
    with shard(rank, world_size):
        results = train(torch.compile(model, backend="aot_eager"), part_of(rank, world_size))
    return {**results, "num_graphs": num_graphs()}


def compiled_statistics(rank, world_size):
    """Differentiate through statistics that ranks share, as eager code and in a graph."""
    results = []
    for compile_it in (False, True):
        bn = SyncBatchNorm(3, dtype=torch.float64)
        torch.manual_seed(rank)
        x = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
        y = (torch.compile(bn, backend="eager") if compile_it else bn)(x)
        (grad,) = torch.autograd.grad(y.pow(3).sum(), x)
        results.append({"y": y.detach(), "grad": grad})
    return {"eager": results[0], "compiled": results[1], "num_graphs": num_graphs()}


def num_graphs():
    return torch._dynamo.utils.counters["stats"]["unique_graphs"]


def fully_sharded(model, world_size):
    """Share out the parameters of each layer, and what the layers leave."""
    from torch.distributed.device_mesh import init_device_mesh  # noqa: PLC0415
    from torch.distributed.fsdp import fully_shard  # noqa: PLC0415

    mesh = init_device_mesh("cpu", (world_size,))
    for layer in model:
        if next(layer.parameters(), None) is not None:
            fully_shard(layer, mesh=mesh)
    return fully_shard(model, mesh=mesh)


def fully_sharded_parts_of_one_mask(rank, world_size):
    model = fully_sharded(normalised_over_all(), world_size)
    with shard(rank, world_size):
        return train(model, part_of(rank, world_size))


def fully_sharded_same_batch(rank, world_size):
    model = fully_sharded(every_layer(), world_size)
    num_held = sum(parameter.to_local().numel() for parameter in model.parameters())
    return {**train(model, batches()), "num_held": num_held}


JOBS = {
    job.__name__: job
    for job in (
        parts_of_one_mask,
        masks_of_their_own,
        compiled,
        compiled_statistics,
        fully_sharded_parts_of_one_mask,
        fully_sharded_same_batch,
    )
}


def main(rank, world_size, folder, names):
    distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/store", rank=rank, world_size=world_size
    )
    results = {name: JOBS[name](rank, world_size) for name in names}
    torch.save(results, folder / f"rank{rank}.pt")
    distributed.barrier()
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:])
