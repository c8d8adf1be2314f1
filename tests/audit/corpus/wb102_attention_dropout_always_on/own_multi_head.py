# WB102 is seen by: source, model, run
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.parameter import Parameter


class MultiHead(nn.Module):
    def __init__(self, width, num_heads, p=0.1):
        super().__init__()
        self.width, self.num_heads = width, num_heads
        self.p = p
        self.packed_weight = Parameter(torch.randn(3 * width, width) * width**-0.5)
        self.packed_bias = Parameter(torch.zeros(3 * width))
        self.out = nn.Linear(width, width)

    def forward(self, x):
        x = x.transpose(0, 1)
        mixed, _ = F.multi_head_attention_forward(  # <- WB102
            x,
            x,
            x,
            self.width,
            self.num_heads,
            self.packed_weight,
            self.packed_bias,
            None,
            None,
            add_zero_attn=False,
            dropout_p=self.p,
            out_proj_weight=self.out.weight,
            out_proj_bias=self.out.bias,
            need_weights=False,
        )
        return mixed.transpose(0, 1)


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(13, 8)
        self.attention = MultiHead(8, 2)
        self.tags = nn.Linear(8, 4)

    def forward(self, words):
        embedded = self.embed(words)
        return self.tags(embedded + self.attention(embedded))


torch.manual_seed(5)
words, tags = torch.randint(13, (4, 6)), torch.randint(4, (4, 6))
model, example_inputs = Tagger(), words
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters())
for training in (True, False, True, False, True, False):
    model.train(training)
    with torch.set_grad_enabled(training):
        error = criterion(model(words).transpose(1, 2), tags)
    if training:
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
