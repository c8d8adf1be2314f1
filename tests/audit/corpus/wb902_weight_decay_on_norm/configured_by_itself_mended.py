# WB902 is seen by: source, model
"""A module that makes its optimizer, as Lightning's do."""

from torch import nn, optim


class Classifier(nn.Module):
    def __init__(self, learning_rate=0.1):
        super().__init__()
        self.learning_rate = learning_rate
        self.features = nn.Sequential(nn.Conv2d(1, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU())
        self.classify = nn.Linear(8, 3)

    def forward(self, x):
        return self.classify(self.features(x).mean((-2, -1)))

    def configure_optimizers(self):
        norms = {p for m in self.modules() if isinstance(m, nn.BatchNorm2d) for p in m.parameters()}
        groups = [
            {"params": [p for p in self.parameters() if p not in norms], "weight_decay": 1e-4},
            {"params": list(norms), "weight_decay": 0.0},
        ]
        return optim.SGD(groups, lr=self.learning_rate, momentum=0.9)


model = Classifier()
optimizer = model.configure_optimizers()
