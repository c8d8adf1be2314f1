"""A block of each kind, with all that it may have."""

from wolfsbane.learn.blocks import (
    Cell,
    Chart,
    Drawn,
    End,
    Ended,
    Finding,
    Graded,
    Mark,
    Outcome,
    Printed,
    Progress,
    Regions,
    Scale,
    Series,
    Table,
    Text,
)

TABLE = Table(
    caption="What dropout made of three units",
    columns=("unit", "before", "after"),
    rows=(
        (Cell("first"), Cell("1.00"), Cell("0.00", Mark.DROPPED)),
        (Cell("second"), Cell("1.00"), Cell("2.00", Mark.KEPT)),
    ),
)

CHART = Chart(
    title="Loss by epoch",
    description="The loss on new examples rises after epoch 2.",
    x_label="epoch",
    y_label="loss",
    series=(
        Series("own", (1.0, 2.0, 3.0), (0.9, 0.5, 0.25), lower=(0.8, 0.4, None)),
        Series("new", (1.0, 2.0), (0.9, None), Drawn.POINTS),
    ),
    x_scale=Scale.LOG,
    y_range=(0.0, 1.0),
)

BLOCKS = (
    Text("Some *words*.", key="words"),
    Printed("print(1 / 0)", "one line\n", "ZeroDivisionError: division by zero"),
    TABLE,
    CHART,
    Regions(
        "Two spirals",
        "One arm each",
        (-1.0, 1.0),
        (-1.0, 1.0),
        ((0, 1), (1, 0)),
        ((0.5, 0.5, 1),),
        TABLE,
    ),
    Finding("WB201", "train-not-restored", "eval() stays", "Call train()", 12, "run"),
    Outcome(1, "The gap is **0.3**."),
    Graded(False, "`p=30`", "torch raises", "p is a probability", "p is a percentage", "WB106"),
    Progress(3, 10, "epochs"),
    Ended(End.TIME, "Stopped after 20 seconds."),
)
