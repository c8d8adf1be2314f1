"""One rank of a training that averages gradients by itself."""

import sys
from pathlib import Path

import torch
from torch import distributed, nn
from torch.utils.data import DataLoader, TensorDataset

from wolfsbane.audit import check_model
from wolfsbane.audit.registry import rule_of


def main(rank, world_size, folder):
    store = distributed.FileStore(str(folder / "store"), world_size)
    distributed.init_process_group("gloo", store=store, rank=rank, world_size=world_size)
    model = nn.Sequential(nn.Linear(4, 4, bias=False), nn.BatchNorm1d(4))
    loader = DataLoader(TensorDataset(torch.randn(64, 4)), batch_size=4)
    codes = check_model(model, loader=loader, rules=[rule_of("WB305")]).codes
    torch.save(codes, folder / f"rank{rank}.pt")
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
