# WB305 is seen by: model
"""The tutorial's way: one process a GPU, each with four samples."""

import torch
import torch.distributed as dist
import torch.nn as nn
from torch.nn.parallel import DistributedDataParallel as DDP
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data.distributed import DistributedSampler

dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)

net = nn.Sequential(
    nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 1, 1)
)
model = DDP(net)
dataset = TensorDataset(torch.randn(64, 3, 8, 8))
loader = DataLoader(
    dataset, batch_size=4, sampler=DistributedSampler(dataset, num_replicas=8, rank=0)
)

dist.destroy_process_group()
