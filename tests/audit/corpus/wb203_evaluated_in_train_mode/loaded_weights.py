# WB203 is seen by: source, run
import io

import torch
from torch import nn


def block(inputs, outputs):
    return nn.Sequential(
        nn.Linear(inputs, outputs, bias=False), nn.BatchNorm1d(outputs), nn.ReLU(inplace=True)
    )


class Regressor(nn.Module):
    def __init__(self, sizes=(5, 16, 16)):
        super().__init__()
        self.blocks = nn.Sequential(*[block(a, b) for a, b in zip(sizes, sizes[1:])])
        self.head = nn.Linear(sizes[-1], 1)

    def forward(self, x):
        return self.head(self.blocks(x)).squeeze(-1)


def pretrain(x, y):
    model = Regressor()
    optimizer = torch.optim.Adam(model.parameters())
    for _ in range(3):
        optimizer.zero_grad()
        (model(x) - y).abs().mean().backward()
        optimizer.step()
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    return model, file


@torch.inference_mode()
def evaluate(model, x, y):
    predictions = model(x)  # <- WB203
    return (predictions - y).square().mean().sqrt().item()


torch.manual_seed(2)
x_train, y_train = torch.randn(32, 5), torch.randn(32)
trained, weights = pretrain(x_train, y_train)
trained.load_state_dict(torch.load(weights, weights_only=True))
print(evaluate(trained, torch.randn(16, 5), torch.randn(16)))
