# WB201 is seen by: source, run
import torch
import torch.nn.functional as F
from torch import nn


class Classifier(nn.Module):
    def __init__(self, num_features, num_classes):
        super().__init__()
        self.hidden = nn.Linear(num_features, 32)
        self.drop = nn.Dropout(0.3)
        self.out = nn.Linear(32, num_classes)

    def forward(self, x):
        return self.out(self.drop(torch.relu(self.hidden(x))))


def accuracy(model, batches):
    was_training = model.training
    model.eval()
    correct = total = 0
    with torch.no_grad():
        for x, y in batches:
            correct += (model(x).argmax(dim=1) == y).sum().item()
            total += len(y)
    model.train(was_training)
    return correct / total


def make_batches(number):
    return [(torch.randn(16, 10), torch.randint(0, 3, (16,))) for _ in range(number)]


def main():
    torch.manual_seed(1)
    train, held_out = make_batches(4), make_batches(2)
    model = Classifier(10, 3)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    model.train()
    for epoch in range(3):
        for x, y in train:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        print(epoch, accuracy(model, held_out))


if __name__ == "__main__":
    main()
