# WB107 is seen by: source, run
import torch
import torch.nn as nn


def make_head(width, keep_prob=0.9):
    return nn.Sequential(
        nn.Linear(width, width),
        nn.GELU(),
        nn.Dropout(keep_prob=keep_prob),  # <- WB107
        nn.Linear(width, 2),
    )


def main():
    torch.manual_seed(1)
    head = make_head(6)
    optimizer = torch.optim.Adam(head.parameters())
    for _ in range(3):
        optimizer.zero_grad()
        loss = nn.CrossEntropyLoss()(head(torch.randn(12, 6)), torch.randint(2, (12,)))
        loss.backward()
        optimizer.step()


if __name__ == "__main__":
    main()
