# WB401 is seen by: source, run
"""Which of four topics a bag of words is about. The model trains itself, as a LightningModule does."""

import torch
import torch.nn.functional as F
from torch import nn


class TopicClassifier(nn.Module):
    def __init__(self, num_words, num_topics):
        super().__init__()
        self.embed = nn.EmbeddingBag(num_words, 24)
        self.norm = nn.LayerNorm(24)
        self.scores = nn.Linear(24, num_topics)
        self.loss = nn.CrossEntropyLoss(label_smoothing=0.05)

    def forward(self, words):
        hidden = self.norm(self.embed(words))
        return self.predict(hidden)

    def predict(self, hidden):
        logits = self.scores(hidden)
        return logits

    def training_step(self, batch, batch_idx):
        words, topics = batch
        predicted = self(words)
        return self.loss(predicted, topics)

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=3e-3)


def main():
    torch.manual_seed(1)
    classifier = TopicClassifier(num_words=50, num_topics=4)
    optimizer = classifier.configure_optimizers()
    for step in range(6):
        topics = torch.randint(4, (16,))
        words = topics[:, None] * 12 + torch.randint(12, (16, 9))
        loss = classifier.training_step((words, topics), step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


if __name__ == "__main__":
    main()
