# WB101 is seen by: source, model, run
import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(6, 16)
        self.fc2 = nn.Linear(16, 3)

    def forward(self, x):
        x = F.gelu(self.fc1(x))
        x = F.dropout(x, 0.3, training=self.training)
        return self.fc2(x)


torch.manual_seed(0)
example_inputs = torch.randn(24, 6)
targets = torch.randint(3, (24,))
model = Net()
loss = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for epoch in range(3):
    model.train()
    optimizer.zero_grad()
    loss(model(example_inputs), targets).backward()
    optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(example_inputs).argmax(1) == targets).float().mean()
