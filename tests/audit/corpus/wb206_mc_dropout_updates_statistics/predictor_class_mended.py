# WB206 is seen by: source, run
import torch
import torch.nn as nn


def conv_block(inputs, outputs):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
        nn.MaxPool2d(2),
    )


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.Sequential(conv_block(1, 4), conv_block(4, 8))
        self.classifier = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(32, 3))

    def forward(self, x):
        return self.classifier(self.blocks(x))


class BayesianPredictor:
    """Means and deviations of a network's predictions, by dropout."""

    def __init__(self, network, passes=10):
        self.network, self.passes = network, passes

    def fit(self, x, y):
        optimizer = torch.optim.Adam(self.network.parameters())
        self.network.train()
        for _ in range(3):
            optimizer.zero_grad()
            nn.functional.cross_entropy(self.network(x), y).backward()
            optimizer.step()

    def enable_dropout(self):
        self.network.eval()
        for module in self.network.modules():
            if isinstance(module, nn.Dropout):
                module.train()

    @torch.no_grad()
    def predict(self, x):
        self.enable_dropout()
        draws = torch.stack([self.network(x) for _ in range(self.passes)])
        return draws.mean(0), draws.std(0)


torch.manual_seed(2)
predictor = BayesianPredictor(Encoder())
predictor.fit(torch.rand(6, 1, 8, 8), torch.randint(0, 3, (6,)))
print(predictor.predict(torch.rand(2, 1, 8, 8))[1].shape)
