# WB202 is seen by: model, run
import torch
from torch import nn


class Encoder(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.embed = nn.Linear(8, width)
        self.drop = nn.Dropout(0.1)
        self.mix = nn.Linear(width, width)

    def forward(self, x):
        return self.mix(self.drop(torch.tanh(self.embed(x))))

    @classmethod
    def from_hub(cls, width):
        """Return a pretrained encoder, in evaluation mode as hubs do."""
        return cls(width).eval()


torch.manual_seed(1)
model = Encoder.from_hub(16)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
example_inputs = torch.randn(6, 8)
for _ in range(4):
    optimizer.zero_grad()
    loss_value = (model(example_inputs) - 1).square().mean()
    loss_value.backward()
    optimizer.step()
