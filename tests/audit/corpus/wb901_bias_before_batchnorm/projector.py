# WB901 is seen by: source, model
"""A projection head as in contrastive learning."""

import torch
import torch.nn.functional as F


class ProjectionHead(torch.nn.Module):
    def __init__(self, dim_in=32, hidden=64, dim_out=16):
        super().__init__()
        self.hidden = torch.nn.Linear(dim_in, hidden)  # <- WB901
        self.hidden_norm = torch.nn.BatchNorm1d(hidden)
        self.out = torch.nn.Linear(hidden, dim_out, bias=True)  # <- WB901
        self.out_norm = torch.nn.BatchNorm1d(dim_out, affine=False)

    def forward(self, x):
        h = self.hidden(x)
        h = self.hidden_norm(h)
        h = F.relu(h)
        return F.normalize(self.out_norm(self.out(h)), dim=1)


model = ProjectionHead()
example_inputs = torch.randn(4, 32)
