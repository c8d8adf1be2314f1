# WB108 is seen by: source, model
"""A recurrent layer with levels between which nothing comes through."""

from torch import nn, randint

KEEP = 1.0  # <- WB108


class LanguageModel(nn.Module):
    def __init__(self, *, vocabulary: int = 30, width: int = 8) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.levels = nn.GRU(width, width, num_layers=3, batch_first=True, dropout=KEEP)
        self.out = nn.Linear(width, vocabulary)

    def forward(self, words):
        states, _ = self.levels(self.embedding(words))
        return self.out(states)


def build() -> nn.Module:
    return LanguageModel()


model = build()
example_inputs = (randint(30, (2, 5)),)
