# WB103 is seen by: source, run
import torch
import torch.nn.functional as F
from torch import nn, optim


class Backbone(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.features = nn.Sequential(nn.Conv1d(2, 6, 3, padding=1), nn.Mish(), nn.Flatten())
        if p > 0:
            self.drop = nn.Dropout(p)
        else:
            self.drop = nn.Identity()

    def forward(self, signal):
        features = self.features(signal)
        return self.drop(features)


class Detector(nn.Module):
    def __init__(self, p=0.3):
        super().__init__()
        self.save = {"p": p}
        self.backbone = Backbone(p)
        self.head = nn.Linear(6 * 8, 1)

    def forward(self, signal):
        return self.head(self.backbone(signal)).squeeze(1)

    def training_step(self, batch, batch_index):
        signal, is_event = batch
        return F.binary_cross_entropy_with_logits(self(signal), is_event)

    def configure_optimizers(self):
        return optim.SGD(self.parameters(), lr=0.05)


def fit(task, loader):
    optimizer = task.configure_optimizers()
    task.train()
    for index, batch in enumerate(loader):
        loss = task.training_step(batch, index)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


torch.manual_seed(2)
fit(Detector(), [(torch.randn(9, 2, 8), torch.randint(2, (9,)).float()) for _ in range(3)])
