# WB201 is seen by: source, run
import argparse

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=2)
parser.add_argument("--log-interval", type=int, default=2)
args, _ = parser.parse_known_args()

torch.manual_seed(3)
images = torch.rand(48, 1, 8, 8)
labels = torch.randint(0, 4, (48,))
train_loader = DataLoader(TensorDataset(images[:32], labels[:32]), batch_size=8, shuffle=True)
test_loader = DataLoader(TensorDataset(images[32:], labels[32:]), batch_size=8)

net = nn.Sequential(
    nn.Conv2d(1, 6, 3, padding=1),
    nn.ReLU(),
    nn.Dropout2d(0.25),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
    nn.Linear(6, 4),
)
criterion = nn.CrossEntropyLoss()
optimizer = optim.AdamW(net.parameters(), lr=3e-3)
scheduler = optim.lr_scheduler.StepLR(optimizer, 1)

for epoch in range(args.epochs):
    for batch, (x, y) in enumerate(train_loader):
        net.train()
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
        if batch % args.log_interval == 0:
            net.eval()
            with torch.no_grad():
                hits = sum((net(a).argmax(1) == b).sum().item() for a, b in test_loader)
            print(f"epoch {epoch} batch {batch}: {hits} of 16")
    scheduler.step()
