# WB404 is seen by: source, model
"""A classifier of documents whose forward forgets one activation of three."""

import torch
import torch.nn.functional as F
from torch import nn


class Pooled(nn.Module):
    def forward(self, words):
        return words.mean(dim=1)


class Documents(nn.Module):
    def __init__(self, vocabulary=100, width=32, num_classes=7):
        super().__init__()
        self.words = nn.Embedding(vocabulary, width)
        self.pool = Pooled()
        self.fc1 = nn.Linear(width, 48)
        self.fc2 = nn.Linear(48, 48)
        self.fc3 = nn.Linear(48, num_classes)
        self.drop = nn.Dropout(0.1)

    def forward(self, words):
        x = self.pool(self.words(words))
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        x = self.drop(x)
        return self.fc3(x)  # <- WB404


torch.manual_seed(1)
model = Documents()
example_inputs = (torch.randint(100, (2, 11)),)
