"""Data that needs no file of the user's: spam e-mail in the package, digits in scikit-learn."""

from importlib.resources import as_file, files

import torch

from wolfsbane.experiment.data.examples import Examples, Pool
from wolfsbane.experiment.data.table import load_table


def load_spam() -> Pool:
    """4,597 e-mails of 57 measurements each, spam or not (UCI Spambase; see SPAMBASE.md).

    Frequencies and lengths are skewed: they are given as log(1 + x).
    """
    resource = files("wolfsbane.experiment.data") / "spambase.csv.gz"
    with as_file(resource) as path:
        pool = load_table(path, name="spam")
    examples = Examples(pool.examples.x.log1p(), pool.examples.y)
    return Pool(pool.name, pool.kind, examples, ("not spam", "spam"))


def load_digits() -> Pool:
    """1,797 handwritten digits of 8 x 8 grey values as 64 numbers (Alpaydin, Kaynak 1998)."""
    from sklearn.datasets import load_digits as load  # noqa: PLC0415  # a second of import

    digits = load()
    examples = Examples(torch.from_numpy(digits.data), torch.from_numpy(digits.target))
    return Pool("digits", "table", examples, tuple(str(digit) for digit in range(10)))
