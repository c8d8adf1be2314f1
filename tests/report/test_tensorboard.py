"""Trainings in TensorBoard, as TensorBoard reads them."""

import builtins

import pytest

from skips import require_packages
from wolfsbane.errors import ArgumentError, MissingDependencyError
from wolfsbane.report.tuning.tensorboard import Scalars, run_name, write_scalars


@pytest.fixture
def accumulator():
    require_packages("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import (  # noqa: PLC0415
        EventAccumulator,
    )

    def read(folder):
        events = EventAccumulator(str(folder))
        events.Reload()
        return events

    return read


def test_every_curve_is_a_scalar_with_the_epoch_as_step(view, tmp_path, accumulator):
    folder = write_scalars(tmp_path / "board", view.trials[:2])
    assert len(list(folder.iterdir())) == 2
    for one in view.trials[:2]:
        events = accumulator(folder / run_name(one.request))
        assert set(events.Tags()["scalars"]) == set(one.outcome.curves)
        for name, curve in one.outcome.curves.items():
            scalars = events.Scalars(name)
            assert [scalar.step for scalar in scalars] == list(range(1, len(curve) + 1))
            assert [scalar.value for scalar in scalars] == pytest.approx(curve, rel=1e-6)


def test_a_run_is_there_as_soon_as_it_is_added(view, tmp_path, accumulator):
    scalars = Scalars(tmp_path)
    scalars.add(view.trials[0])
    assert accumulator(tmp_path / run_name(view.trials[0].request)).Tags()["scalars"]
    scalars.close()


def test_the_configuration_is_in_the_same_run(view, tmp_path, accumulator):
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData  # noqa: PLC0415

    write_scalars(tmp_path, view.trials[:1])
    assert len(list(tmp_path.rglob("events.out.tfevents.*"))) == 1
    events = accumulator(tmp_path / run_name(view.trials[0].request))
    content = events.summary_metadata["_hparams_/session_start_info"].plugin_data.content
    found = HParamsPluginData.FromString(content).session_start_info.hparams
    assert found["dropout"].number_value == 0.0
    assert found["purpose"].string_value == "search"
    assert found["seed"].number_value == view.trials[0].request.seed


def test_a_training_that_is_added_again_is_there_once(view, tmp_path, accumulator):
    for _ in range(2):
        write_scalars(tmp_path, view.trials[:1])
    events = accumulator(tmp_path / run_name(view.trials[0].request))
    epochs = len(view.trials[0].outcome.curves["test_nll"])
    assert len(events.Scalars("test_nll")) == epochs


def test_a_name_says_number_purpose_configuration_and_seed(two_dimensions):
    request = two_dimensions.trials[0].request
    assert run_name(request) == "0000-search-dropout=0-activation=relu-seed=0"


def test_what_has_not_ended_is_not_written(view, tmp_path):
    require_packages("tensorboard")
    running = type(view.trials[0])(view.trials[0].request)
    assert list(write_scalars(tmp_path, [running]).iterdir()) == []


def test_a_file_in_the_way_is_told(tmp_path):
    require_packages("tensorboard")
    (tmp_path / "board").write_text("mine")
    with pytest.raises(ArgumentError, match="is a file, not a folder"):
        Scalars(tmp_path / "board")


def test_what_to_install_is_told(tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith(("tensorboard", "torch.utils.tensorboard")):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingDependencyError, match="pip install tensorboard"):
        Scalars(tmp_path / "board")
    assert not (tmp_path / "board").exists()
