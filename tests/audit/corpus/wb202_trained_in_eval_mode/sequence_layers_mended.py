# WB202 is seen by: model, run
import io

import torch
from torch import nn


class Reader(nn.Module):
    def __init__(self, vocabulary=20, width=12):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.recurrent = nn.GRU(width, width, num_layers=2, dropout=0.2, batch_first=True)
        self.decoder = nn.Linear(width, vocabulary)

    def forward(self, tokens):
        return self.decoder(self.recurrent(self.embedding(tokens))[0])


def save(model):
    file = io.BytesIO()
    torch.save(model, file)
    return file.getvalue()


def load(content):
    return torch.load(io.BytesIO(content), weights_only=False)


torch.manual_seed(3)
exported = save(Reader().eval())
reader = load(exported)
model = reader.train()
decay, no_decay = [], []
for name, parameter in model.named_parameters():
    (no_decay if name.endswith("bias") else decay).append(parameter)
optimizer = torch.optim.Adam([{"params": decay}, {"params": no_decay, "weight_decay": 0.0}])
tokens = torch.randint(0, 20, (4, 7))
for _ in range(3):
    optimizer.zero_grad()
    scores = model(tokens[:, :-1]).transpose(1, 2)
    nn.functional.cross_entropy(scores, tokens[:, 1:]).backward()
    optimizer.step()
