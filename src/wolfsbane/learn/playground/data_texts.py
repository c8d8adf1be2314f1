"""How the playground's program makes or reads its data: the text of its `load_data`."""

NUM_TESTED = 500
"""Test examples. They are drawn after the training examples, so that these do not depend on it."""

SPIRALS = '''
def load_data():
    """Return training and test examples: points on two spirals that wind round each other."""
    num_examples = {num_examples} + {num_tested}
    y = torch.randint(2, (num_examples,))
    turn = 3 * math.pi * torch.rand(num_examples).sqrt()
    angle = turn + math.pi * y
    x = torch.stack([turn * angle.cos(), turn * angle.sin()], dim=1)
    x = x + 0.25 * torch.randn(num_examples, 2)
'''

MOONS = '''
def load_data():
    """Return training and test examples: points on two half circles that reach into each other."""
    num_examples = {num_examples} + {num_tested}
    y = torch.randint(2, (num_examples,))
    angle = math.pi * torch.rand(num_examples)
    upper = torch.stack([angle.cos(), angle.sin()], dim=1)
    lower = torch.stack([1 - angle.cos(), 0.5 - angle.sin()], dim=1)
    x = torch.where(y[:, None] == 0, upper, lower)
    x = x + 0.2 * torch.randn(num_examples, 2)
'''

DIGITS = '''
def load_data():
    """Return training and test examples: handwritten digits of 8 x 8 grey values."""
    digits = load_digits()
    drawn = torch.randperm(len(digits.target))[: {num_examples} + {num_tested}]
    x = torch.tensor(digits.data, dtype=torch.float32)[drawn]
    y = torch.tensor(digits.target)[drawn]
'''

SPAM = '''
def load_data():
    """Return training and test examples: e-mails of 57 measurements each, spam or not."""
    emails = load("spam").examples
    drawn = torch.randperm(len(emails))[: {num_examples} + {num_tested}]
    x, y = emails.x[drawn].float(), emails.y[drawn]
'''

SPLIT = """
    x_train, x_test = x[:{num_examples}], x[{num_examples}:]
    y_train, y_test = y[:{num_examples}], y[{num_examples}:]
    mean, std = x_train.mean(dim=0), x_train.std(dim=0) + 1e-6
    x_train, x_test = (x_train - mean) / std, (x_test - mean) / std
"""

NOISE = """
    is_noisy = torch.rand({num_examples}) < {label_noise}
    y_train = torch.where(is_noisy, torch.randint({num_classes}, ({num_examples},)), y_train)
"""

RETURN = """
    return (x_train, y_train), (x_test, y_test)
"""

TEXTS = {"spirals": SPIRALS, "moons": MOONS, "digits": DIGITS, "spam": SPAM}
IMPORTS = {
    "digits": "from sklearn.datasets import load_digits\n",
    "spam": "from wolfsbane.experiment.data import load\n",
}
"""What they need, besides torch and math."""

NUM_INPUTS = {"spirals": 2, "moons": 2, "digits": 64, "spam": 57}
NUM_CLASSES = {"spirals": 2, "moons": 2, "digits": 10, "spam": 2}


def load_data_of(data: str, num_examples: int, label_noise: float) -> str:
    """Return the text of `load_data`."""
    parts = [TEXTS[data], SPLIT, NOISE if label_noise else "", RETURN]
    text = "".join(part.removeprefix("\n") for part in parts)
    return text.format(
        num_examples=num_examples,
        num_tested=NUM_TESTED,
        label_noise=label_noise,
        num_classes=NUM_CLASSES[data],
    )
