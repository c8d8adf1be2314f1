"""A whole search with real networks and data, in a run directory."""

from wolfsbane.experiment.data import load
from wolfsbane.experiment.intervals import Verdict
from wolfsbane.experiment.training import AdamW
from wolfsbane.tuning.dimensions import Rate
from wolfsbane.tuning.engines import make_engine
from wolfsbane.tuning.objective import Objective
from wolfsbane.tuning.record import open_record
from wolfsbane.tuning.search import Limits, search
from wolfsbane.tuning.setting import Setting
from wolfsbane.tuning.space import make_space
from wolfsbane.tuning.subject import make_subject

SETTING = Setting(
    make_subject(space=make_space({"dropout": Rate(0.0, 0.8, step=0.2)})),
    load("digits"),
    None,
    Objective(),
    AdamW(12, learning_rate=1e-2),
    train_size=80,
    label_noise=0.3,
)
LIMITS = Limits(14)


def run(directory, on_progress=lambda _: None):
    with open_record(SETTING, directory) as record:
        return search(SETTING, LIMITS, record, make_engine(jobs=1), on_progress)


def interrupt(progress):
    """Stop as Ctrl-C does, after six trainings."""
    if progress.finished == 6:
        raise KeyboardInterrupt


def test_wrong_labels_make_dropout_a_gain_that_is_proved_and_resumed(tmp_path):
    straight = run(tmp_path / "straight")
    assert straight.chosen.as_dict()["dropout"] > 0.0
    assert straight.verdict is Verdict.GAIN
    assert 0.0 < straight.complexity.memorised_chosen < straight.complexity.memorised <= 1.0
    assert sum(straight.num_trainings.values()) <= LIMITS.budget
    part = run(tmp_path / "part", interrupt)
    assert (part.is_finished, sum(part.num_trainings.values())) == (False, 6)
    whole = run(tmp_path / "part")
    assert (whole.chosen, whole.findings) == (straight.chosen, straight.findings)
