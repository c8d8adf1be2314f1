# WB203 is seen by: source, run
import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.conv1 = nn.Conv2d(1, 4, 3)
        self.dropout = nn.Dropout2d(0.5)
        self.fc1 = nn.Linear(4 * 9, 5)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = self.dropout(x)
        return self.fc1(torch.flatten(x, 1))


def train(model, loader, optimizer, epoch):
    model.train()
    for data, target in loader:
        optimizer.zero_grad()
        output = model(data)
        loss = F.cross_entropy(output, target)
        loss.backward()
        optimizer.step()


def test(model, loader):
    model.eval()
    test_loss = 0
    correct = 0
    with torch.no_grad():
        for data, target in loader:
            output = model(data)
            test_loss += F.cross_entropy(output, target, reduction="sum").item()
            pred = output.argmax(dim=1, keepdim=True)
            correct += pred.eq(target.view_as(pred)).sum().item()
    print(f"Test set: average loss {test_loss / 12:.4f}, {correct} of 12")


def main():
    torch.manual_seed(1)
    batches = [(torch.randn(6, 1, 8, 8), torch.randint(0, 5, (6,))) for _ in range(5)]
    model = Net()
    optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0)
    for epoch in range(1, 3):
        train(model, batches[:3], optimizer, epoch)
        test(model, batches[3:])


if __name__ == "__main__":
    main()
