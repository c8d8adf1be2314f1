# WB101 is seen by: source, model, run
import torch
from torch import nn
from torch.nn import functional


class Task(nn.Module):
    """What a framework drives: a model with its loss and its optimizer."""

    def __init__(self, channels=4, rate=0.2):
        super().__init__()
        self.rate = rate
        self.encoder = nn.Sequential(nn.Conv2d(1, channels, 3, padding=1), nn.SiLU())
        self.head = nn.Linear(channels, 2)

    def forward(self, images):
        features = self.encoder(images)
        features = functional.dropout2d(features, self.rate, True)  # <- WB101
        return self.head(features.mean(dim=(2, 3)))

    def training_step(self, batch):
        images, labels = batch
        return functional.cross_entropy(self(images), labels)

    def validation_step(self, batch):
        images, labels = batch
        return functional.cross_entropy(self(images), labels).item()

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=1e-3)


class Trainer:
    def fit(self, task, batches, num_epochs):
        optimizer = task.configure_optimizers()
        for _ in range(num_epochs):
            task.train()
            for batch in batches:
                optimizer.zero_grad()
                task.training_step(batch).backward()
                optimizer.step()
            self.validate(task, batches)

    @torch.no_grad()
    def validate(self, task, batches):
        task.eval()
        return sum(task.validation_step(batch) for batch in batches)


torch.manual_seed(1)
batches = [(torch.randn(8, 1, 6, 6), torch.randint(2, (8,))) for _ in range(2)]
model = Task()
Trainer().fit(model, batches, num_epochs=2)
example_inputs = batches[0][0]
