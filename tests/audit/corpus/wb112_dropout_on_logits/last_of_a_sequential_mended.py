# WB112 is seen by: source, model
"""A multi-layer perceptron with a dropout before its last layer."""

import torch
from torch import nn

model = nn.Sequential(
    nn.Flatten(),
    nn.Linear(36, 20),
    nn.ReLU(),
    nn.Dropout(0.2),
    nn.Linear(20, 10),
)
example_inputs = torch.randn(4, 6, 6)


def train(batches, epochs):
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters())
    for _ in range(epochs):
        for images, labels in batches:
            optimizer.zero_grad()
            loss = criterion(model(images), labels)
            loss.backward()
            optimizer.step()
