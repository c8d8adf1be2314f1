"""The PyTorch program of a setup, as text: what the page shows is what a worker runs."""

from itertools import pairwise

from wolfsbane.learn.playground.data_texts import IMPORTS, NUM_CLASSES, NUM_INPUTS, load_data_of
from wolfsbane.learn.playground.mistakes import find_mistake
from wolfsbane.learn.playground.setup import Setup

ACTIVATIONS = {
    "relu": "nn.ReLU()",
    "leaky_relu": "nn.LeakyReLU()",
    "gelu": "nn.GELU()",
    "silu": "nn.SiLU()",
    "tanh": "nn.Tanh()",
    "sigmoid": "nn.Sigmoid()",
}

NETWORK = '''
class Block(nn.Module):
    """A hidden layer."""

    def __init__(self, num_inputs, num_units):
        super().__init__()
{layers}

    def forward(self, x):
{calls}
        return x


class MLP(nn.Module):
    """Hidden layers, and one that gives a number (a logit) for each class."""

    def __init__(self):
        super().__init__()
        self.hidden = nn.Sequential(
{blocks}
        )
        self.output = nn.Linear({width}, {num_classes})

    def forward(self, x):
        x = self.hidden(x)
        x = self.output(x)
        return x
'''

TRAINING = '''
def train(model, loader, optimizer):
    """Train for an epoch."""
    model.train()
    for x, y in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()


def evaluate(model, x, y):
    """Return the loss and the accuracy."""
    model.eval()
    with torch.no_grad():
        logits = model(x)
    loss = F.cross_entropy(logits, y)
    accuracy = (logits.argmax(dim=1) == y).float().mean()
    return loss.item(), accuracy.item()


def fit(model, train_data, test_data):
    """Train, and yield loss and accuracy on both data after each epoch."""
    loader = DataLoader(TensorDataset(*train_data), batch_size={batch_size}, shuffle=True{drop_last})
    optimizer = torch.optim.Adam(model.parameters(), lr={learning_rate})
    for _ in range({epochs}):
        train(model, loader, optimizer)
        yield *evaluate(model, *train_data), *evaluate(model, *test_data)


def main():
    torch.manual_seed({seed})
    train_data, test_data = load_data()
    model = MLP()
    print("epoch  train loss  accuracy  test loss  accuracy")
    for epoch, scores in enumerate(fit(model, train_data, test_data), start=1):
        print("{{:5}}  {{:10.4f}}  {{:8.3f}}  {{:9.4f}}  {{:8.3f}}".format(epoch, *scores))


if __name__ == "__main__":
    main()
'''  # noqa: E501  # lines of the program, which are short once they are filled in


def program_of(setup: Setup) -> str:
    """Return the program, with the setup's mistake in it where there is one."""
    mistake = find_mistake(setup.mistake)
    return sound_program_of(setup) if mistake is None else mistake.broken(setup, sound_program_of)


def sound_program_of(setup: Setup) -> str:
    """Return the program without the mistake."""
    parts = (
        _imports(setup),
        _network(setup),
        load_data_of(setup.data, setup.num_examples, setup.label_noise),
        _training(setup),
    )
    return "\n\n".join(part.lstrip("\n") for part in parts)


def _imports(setup: Setup) -> str:
    is_drawn = setup.data in ("spirals", "moons")
    more = IMPORTS.get(setup.data, "")
    return (
        ("import math\n\n" if is_drawn else "")
        + "import torch\n"
        + (more if setup.data == "digits" else "")
        + "from torch import nn\n"
        + "from torch.nn import functional as F\n"
        + "from torch.utils.data import DataLoader, TensorDataset\n"
        + (more if setup.data == "spam" else "")
    )


def _network(setup: Setup) -> str:
    calls = [f"        x = self.{layer}(x)" for layer in setup.layers]
    sizes = [NUM_INPUTS[setup.data], *[setup.width] * setup.num_hidden]
    blocks = [f"            Block({old}, {new})," for old, new in pairwise(sizes)]
    return NETWORK.format(
        layers="\n".join(f"        self.{name} = {made}" for name, made in _layers(setup)),
        calls="\n".join(calls),
        blocks="\n".join(blocks),
        width=setup.width,
        num_classes=NUM_CLASSES[setup.data],
    )


def _layers(setup: Setup) -> list[tuple[str, str]]:
    """Return each layer's name and the call that makes it, in order."""
    made = {
        "linear": "nn.Linear(num_inputs, num_units)",
        "activation": ACTIVATIONS.get(setup.activation, ""),
        "dropout": f"nn.Dropout({setup.p:g})",
        "norm": _norm(setup),
    }
    return [(layer, made[layer]) for layer in setup.layers]


def _norm(setup: Setup) -> str:
    """Return the call that makes the norm: before the linear layer it meets the block's inputs."""
    is_before = setup.order.index("norm") < setup.order.index("linear")
    size = "num_inputs" if is_before else "num_units"
    if setup.norm == "batch":
        return f"nn.BatchNorm1d({size}, momentum={setup.momentum:g})"
    return f"nn.LayerNorm({size})"


def _training(setup: Setup) -> str:
    return TRAINING.format(
        batch_size=setup.batch_size,
        # A last batch of one example would stop batch norm.
        drop_last=", drop_last=True" if "norm" in setup.layers and setup.norm == "batch" else "",
        learning_rate=f"{setup.learning_rate:g}",
        epochs=setup.epochs,
        seed=setup.seed,
    )
