# WB110 is seen by: source, model
"""An encoder with two levels is right; its decoder has one."""

import torch
import torch.nn as nn


class Encoder(nn.Module):
    def __init__(self, vocabulary, width, levels, p):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, width)
        self.rnn = nn.RNN(width, width, levels, batch_first=True, dropout=p)

    def forward(self, words):
        return self.rnn(self.embed(words))


class Decoder(nn.Module):
    def __init__(self, vocabulary, width, p):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, width)
        self.rnn = nn.RNN(
            input_size=width,
            hidden_size=width,
            num_layers=1,
            nonlinearity="tanh",
            dropout=p,  # <- WB110
            batch_first=True,
        )
        self.out = nn.Linear(width, vocabulary)

    def forward(self, words, state):
        states, _ = self.rnn(self.embed(words), state[-1:])
        return self.out(states)


class Seq2Seq(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = Encoder(20, 6, levels=2, p=0.2)
        self.decoder = Decoder(20, 6, p=0.2)

    def forward(self, source, target):
        return self.decoder(target, self.encoder(source)[1])


model = Seq2Seq()
example_inputs = (torch.randint(20, (2, 5)), torch.randint(20, (2, 4)))
