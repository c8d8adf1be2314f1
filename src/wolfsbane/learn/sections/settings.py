"""Controls, and what they offer, that several steps have."""

from wolfsbane.learn.controls import Number, Options

DATA = Options(
    "data", "Data", (("digits", "handwritten digits"), ("spam", "spam e-mail")), "digits"
)

SEED = Number(
    "seed", "Seed", 0, 999, 1, 0, "The same seed gives the same numbers again; another, others."
)

EPOCHS = Number("epochs", "Epochs", 1, 200, 1, 60)

TRAIN_SIZE = Number("train_size", "Training examples", 50, 800, 10, 300)

WIDTH = Number("width", "Units in each of two hidden layers", 1, 512, 1, 256)

LABEL_NOISE = Number(
    "label_noise",
    "Share of wrong training labels",
    0.0,
    0.8,
    0.05,
    0.3,
    "Drawn at random. Validation and test labels stay right.",
)

ACTIVATIONS = (
    ("relu", "ReLU"),
    ("sigmoid", "sigmoid"),
    ("tanh", "tanh"),
    ("gelu", "GELU"),
    ("none", "none"),
)
