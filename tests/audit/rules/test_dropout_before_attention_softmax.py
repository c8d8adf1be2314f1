"""WB114: the ways from scores to weights."""

import pytest

from wolfsbane.audit.rules.dropout_before_attention_softmax import DropoutBeforeAttentionSoftmax
from wolfsbane.audit.source.check import check_source

HEAD = (
    "import torch\nimport torch.nn.functional as F\nfrom torch import nn\ndrop = nn.Dropout(0.1)\n"
)


def found_in(body):
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    code = f"{HEAD}def attend(q, k, v, mask):\n{lines}"
    return check_source(code, "program.py", [DropoutBeforeAttentionSoftmax])


@pytest.mark.parametrize(
    "body",
    [
        "return torch.softmax(drop(q @ k), -1) @ v",
        "s = torch.bmm(q, k)\ns = drop(s) / 8\ns = s.masked_fill(mask, -1e9)\nreturn s.softmax(-1)",
        "s = drop(torch.einsum('bid,bjd->bij', q, k) * 0.1) + mask\nreturn F.softmax(s, dim=-1)",
        "s = F.dropout(torch.baddbmm(mask, q, k), 0.1)\nreturn nn.Softmax(dim=-1)(s.view(2, 3, 4))",
        "s = q @ k\nif mask is not None:\n    s = drop(s)\nreturn s.softmax(-1)",
    ],
)
def test_masks_scales_and_shapes_may_lie_between(body):
    assert len(found_in(body)) == 1


@pytest.mark.parametrize(
    "body",
    [
        "return drop(torch.softmax(q @ k, -1)) @ v",
        "return torch.softmax(drop(q) @ k, -1)",
        "return torch.softmax(q @ k + drop(mask), -1)",
        "return torch.softmax(F.dropout(q @ k, 0.0), -1)",
        "return torch.softmax(drop(F.linear(q, k)), -1)",
        "return torch.sigmoid(drop(q @ k))",
    ],
)
def test_other_dropouts_are_silent(body):
    assert found_in(body) == []
