# WB305 is seen by: model
"""Only the part that is trained is wrapped, deep inside of another module."""

import contextlib

import torch
from torch import distributed, nn
from torch.utils.data import DataLoader


@contextlib.contextmanager
def process_group():
    store = distributed.HashStore()
    distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    try:
        yield
    finally:
        distributed.destroy_process_group()


class Embedder(nn.Module):
    def __init__(self):
        super().__init__()
        self.inputs = nn.Linear(10, 16, bias=False)
        self.norm = nn.BatchNorm1d(16)
        self.outputs = nn.Linear(16, 4)

    def forward(self, x):
        return self.outputs(self.norm(self.inputs(x)).relu())


class Retriever(nn.Module):
    def __init__(self, embedder):
        super().__init__()
        self.embedder = nn.parallel.DistributedDataParallel(embedder)
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, query):
        return self.scale * nn.functional.normalize(self.embedder(query), dim=-1)


class Loop:
    def __init__(self, model, loader):
        self.model, self.loader = model, loader


with process_group():
    loop = Loop(Retriever(Embedder()), DataLoader(torch.randn(96, 10), batch_size=8))
model, loader = loop.model, loop.loader
