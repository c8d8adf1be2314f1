# WB103 is seen by: source, run
import torch
import torch.nn as nn


class Classifier(nn.Module):
    def __init__(self, num_features, num_classes, hidden=16, rate=0.25):
        super(Classifier, self).__init__()
        self.hidden = nn.Linear(num_features, hidden)
        self.activation = nn.SiLU()
        self.dropout = nn.Dropout(rate)
        self.output = nn.Linear(hidden, num_classes)

    def forward(self, x):
        x = self.activation(self.hidden(x))
        x = self.dropout(x)
        return self.output(x)


def train(model, features, labels, num_epochs=3):
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters())
    model.train()
    for _ in range(num_epochs):
        optimizer.zero_grad()
        criterion(model(features), labels).backward()
        optimizer.step()


if __name__ == "__main__":
    torch.manual_seed(0)
    train(Classifier(5, 3), torch.randn(20, 5), torch.randint(3, (20,)))
