# WB104 is seen by: source
import torch
import torch.nn as nn

embed = nn.Embedding(100, 16)
encoder = nn.GRU(16, 32, batch_first=True)
head = nn.Linear(32, 2)
word_dropout = nn.Dropout1d(p=0.1)
optimizer = torch.optim.Adam([*embed.parameters(), *encoder.parameters(), *head.parameters()])

for tokens, labels in torch.load("batches.pt"):
    vectors = embed(tokens)
    word_dropout(vectors)  # <- WB104
    _, last = encoder(vectors)
    loss = nn.functional.cross_entropy(head(last[0]), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
