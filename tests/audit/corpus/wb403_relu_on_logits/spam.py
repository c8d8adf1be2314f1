# WB403 is seen by: source, run
"""Spam or not, by negative log-likelihood: log-softmax hides the ReLU."""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(1)


class Spam(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(30, 20)
        self.fc2 = nn.Linear(20, 2)

    def forward(self, x):
        for layer in (self.fc1,):
            x = F.relu(layer(x))
        x = F.relu(self.fc2(x))  # <- WB403
        return F.log_softmax(x, dim=1)


net = Spam()
optimizer = torch.optim.Adagrad(net.parameters(), lr=0.05)
for _ in range(5):
    mails = torch.randn(32, 30)
    labels = (mails.sum(1) > 0).long()
    optimizer.zero_grad()
    loss = F.nll_loss(net(mails), labels)
    loss.backward()
    optimizer.step()
