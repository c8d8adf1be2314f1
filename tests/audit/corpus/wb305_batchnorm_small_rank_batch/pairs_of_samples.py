# WB305 is seen by: model
"""Batches made by a batch sampler of torch's, two samples each."""

from torch import distributed, nn, randn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset


def block(channels):
    layers = nn.Sequential()
    layers.add_module("conv", nn.Conv3d(channels, channels, 3, padding=1, bias=False))
    layers.add_module("norm", nn.BatchNorm3d(channels))
    layers.add_module("act", nn.ReLU())
    return layers


def prepare(model):
    return DistributedDataParallel(model)


distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
model = prepare(nn.Sequential(block(1), block(1)))
distributed.destroy_process_group()

volumes = TensorDataset(randn(10, 1, 4, 4, 4))
loader = DataLoader(volumes, batch_sampler=BatchSampler(RandomSampler(volumes), 2, drop_last=True))
