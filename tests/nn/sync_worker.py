"""One rank of test_sync_batch_norm: python sync_worker.py RANK WORLD_SIZE FOLDER.

Reads FOLDER/scenarios.pt, writes FOLDER/rank{RANK}.pt. Ranks talk over gloo, on the CPU.
"""

import sys
from pathlib import Path

import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

from wolfsbane.errors import ShapeError
from wolfsbane.kernels.collective import AllReduceSum
from wolfsbane.nn import SyncBatchNorm


def state_of(bn):
    return {name: value.clone() for name, value in bn.state_dict().items()}


def forward_and_backward(scenario, rank):
    """Run this rank's part of a batch forward and backward, to second order."""
    bn = SyncBatchNorm(scenario["x"][0].size(1), dtype=torch.float64, **scenario["options"])
    bn.load_state_dict(scenario["state"])
    x = scenario["x"][rank].requires_grad_()
    inputs = [x, *bn.parameters()]
    y = bn(x)
    loss = (y * scenario["upstream"][rank]).pow(3).sum()
    first = torch.autograd.grad(loss, inputs, create_graph=True)
    second = torch.autograd.grad(first[0].square().sum(), x)
    return {
        "y": y.detach(),
        "stride": y.stride(),
        "gradients": [grad.detach() for grad in first],
        "second": second[0],
        "state": state_of(bn),
    }


def one_value_in_all(rank):
    bn = SyncBatchNorm(3)
    try:
        bn(torch.randn(1 - rank, 3))
    except ShapeError as error:
        return {"message": str(error), "state": state_of(bn)}
    return {"message": "", "state": state_of(bn)}


def no_value_in_all():
    bn = SyncBatchNorm(3)
    y = bn(torch.randn(0, 3))
    return {"shape": y.shape, "state": state_of(bn)}


def evaluation_of_one_rank(rank):
    """Only rank 0 calls: if it communicated, it would wait for ever."""
    bn = SyncBatchNorm(3).eval()
    if rank == 0:
        return {"y": bn(torch.ones(2, 3))}
    return {}


def group_of_one(rank):
    groups = [distributed.new_group([other]) for other in range(distributed.get_world_size())]
    torch.manual_seed(rank)
    x = torch.randn(4 + rank, 3)
    return {"x": x, "y": SyncBatchNorm(3, process_group=groups[rank])(x).detach()}


def data_parallel(scenario, rank):
    """Train three steps under DistributedDataParallel."""
    model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3)).double()
    model.load_state_dict(scenario["state"])
    model = DistributedDataParallel(SyncBatchNorm.convert_sync_batchnorm(model))
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    for x in scenario["x"]:
        optimiser.zero_grad()
        model(x[rank]).pow(3).sum().backward()
        optimiser.step()
    return {"state": state_of(model.module)}


def sums_over_ranks(rank):
    """Differentiate sums over ranks twice: each rank's value enters every rank's sum."""
    x = torch.tensor([1.0 + rank, 10.0], requires_grad=True)
    total = AllReduceSum()(x.square())
    (first,) = torch.autograd.grad((total * (rank + 1)).sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x)
    return {"total": total.detach(), "first": first.detach(), "second": second}


def main(rank, world_size, folder):
    distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/store", rank=rank, world_size=world_size
    )
    given = torch.load(folder / "scenarios.pt", weights_only=False)
    results = {
        name: forward_and_backward(scenario, rank) for name, scenario in given["batches"].items()
    }
    results |= {
        "one-value": one_value_in_all(rank),
        "no-value": no_value_in_all(),
        "evaluation": evaluation_of_one_rank(rank),
        "group-of-one": group_of_one(rank),
        "data-parallel": data_parallel(given["data-parallel"], rank),
        "sums": sums_over_ranks(rank),
    }
    torch.save(results, folder / f"rank{rank}.pt")
    distributed.barrier()
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
