# WB102 is seen by: source, model, run
import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention as attend


class Attention(nn.Module):
    def __init__(self, dim: int, heads: int = 2, attn_drop: float = 0.1) -> None:
        super().__init__()
        self.heads = heads
        self.fused = hasattr(nn.functional, "scaled_dot_product_attention")
        self.qkv = nn.Linear(dim, dim * 3)
        self.attn_drop = nn.Dropout(attn_drop)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        b, n, c = x.shape
        qkv = self.qkv(x).reshape(b, n, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)
        if self.fused:
            x = attend(q, k, v, None, self.attn_drop.p)  # <- WB102
        else:
            weights = (q @ k.transpose(-2, -1) * (c // self.heads) ** -0.5).softmax(dim=-1)
            x = self.attn_drop(weights) @ v
        return self.proj(x.transpose(1, 2).reshape(b, n, c))


class Layer(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = Attention(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Vision(nn.Module):
    def __init__(self, dim: int = 8, depth: int = 2) -> None:
        super().__init__()
        self.patches = nn.Sequential(nn.Conv2d(3, dim, kernel_size=4, stride=4), nn.Flatten(2))
        self.layers = nn.ModuleList(Layer(dim) for _ in range(depth))
        self.head = nn.Linear(dim, 2)

    def forward(self, images: Tensor) -> Tensor:
        x = self.patches(images).transpose(1, 2)
        for layer in self.layers:
            x = layer(x)
        return self.head(x.mean(dim=1))


def main(num_steps: int = 3) -> tuple[nn.Module, Tensor]:
    torch.manual_seed(4)
    images, labels = torch.randn(6, 3, 8, 8), torch.randint(2, (6,))
    network = Vision()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01)
    for _ in range(num_steps):
        network.train()
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(images), labels).backward()
        optimizer.step()
        network.eval()
        with torch.no_grad():
            network(images)
    return network, images


model, example_inputs = main()
