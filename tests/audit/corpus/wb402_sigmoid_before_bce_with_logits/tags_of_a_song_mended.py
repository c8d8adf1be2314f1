# WB402 is seen by: source, run
"""Several tags for one song. The step is the model's own, as in a LightningModule."""

import torch
import torch.nn.functional as F
from torch import nn


class Tagger(nn.Module):
    def __init__(self, num_tags=12):
        super().__init__()
        self.encoder = nn.Conv1d(1, 8, kernel_size=5, stride=2)
        self.pool = nn.AdaptiveAvgPool1d(4)
        self.head = nn.Linear(32, num_tags)

    def forward(self, sound):
        features = F.gelu(self.encoder(sound))
        features = self.pool(features).flatten(1)
        return self.head(features)

    def shared_step(self, batch):
        sound, tags = batch
        tags_hat = self(sound)
        loss = F.binary_cross_entropy_with_logits(tags_hat, tags)
        return loss, tags_hat

    def training_step(self, batch):
        loss, _ = self.shared_step(batch)
        return loss


def fit(tagger, num_steps):
    optimizer = torch.optim.Adam(tagger.parameters(), lr=1e-3)
    for _ in range(num_steps):
        batch = torch.randn(8, 1, 64), torch.randint(2, (8, 12)).float()
        loss = tagger.training_step(batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


if __name__ == "__main__":
    torch.manual_seed(1)
    fit(Tagger(), 5)
