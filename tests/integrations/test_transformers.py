"""The callback in transformers' own Trainer."""

import importlib
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from integrations.counting import CountsSteps
from skips import require_packages
from wolfsbane.errors import MissingDependencyError
from wolfsbane.integrations import transformers as integration

pytestmark = pytest.mark.filterwarnings("ignore")  # transformers' own, on small runs


class Net(nn.Module):
    def __init__(self, *, fails=False, mistaken=False):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
        self.fails, self.mistaken = fails, mistaken

    def forward(self, x, labels):
        if self.fails:
            raise ArithmeticError("no such luck")
        logits = self.net(x)
        return {"loss": F.cross_entropy(logits.softmax(1) if self.mistaken else logits, labels)}


def trained(callbacks, tmp_path, **kwargs):
    transformers = importlib.import_module("transformers")
    data = [{"x": torch.randn(8), "labels": index % 2} for index in range(32)]
    arguments = transformers.TrainingArguments(
        output_dir=tmp_path,
        num_train_epochs=2,
        per_device_train_batch_size=8,
        use_cpu=True,
        report_to=[],
        save_strategy="no",
        disable_tqdm=True,
    )
    model = Net(**kwargs)
    trainer = transformers.Trainer(model, arguments, train_dataset=data, callbacks=callbacks)
    trainer.train()
    return model


def a_callback(**kwargs):
    require_packages("transformers", "accelerate")
    return integration.AuditCallback(**kwargs)


def test_a_training_is_watched_and_told_at_its_end(tmp_path, capsys):
    callback = a_callback(rules=[CountsSteps])
    trained([callback], tmp_path)
    assert [finding.message for finding in callback.findings] == ["8 steps"]
    assert "WB199 8 steps" in capsys.readouterr().out


def test_a_mistake_is_found_by_default_and_a_correct_training_is_silent(tmp_path):
    callback = a_callback()
    trained([callback], tmp_path, mistaken=True)
    assert callback.findings.codes == ["WB401"]
    trained([callback], tmp_path)
    assert callback.findings.codes == []


def test_after_an_error_the_findings_are_there_when_asked_for(tmp_path):
    callback = a_callback(rules=[CountsSteps])
    with pytest.raises(ArithmeticError) as caught:
        trained([callback], tmp_path, fails=True)
    assert callback.is_watching
    callback.end(caught.value)
    assert [finding.message for finding in callback.findings] == ["0 steps, then no such luck"]


def test_after_an_error_the_next_training_is_another(tmp_path):
    callback = a_callback(rules=[CountsSteps])
    with pytest.raises(ArithmeticError):
        trained([callback], tmp_path, fails=True)
    trained([callback], tmp_path)
    assert [finding.message for finding in callback.findings] == ["8 steps"]


PROGRAM = """
from torch import nn
from wolfsbane.integrations.transformers import AuditCallback
AuditCallback().on_train_begin(None, None, None, model=nn.Linear(2, 2))
raise ArithmeticError("no such luck")
"""


def test_a_process_that_ends_by_an_error_tells_the_findings():
    require_packages("transformers", "accelerate")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "ArithmeticError: no such luck" in done.stderr
    assert done.stdout.strip().startswith("no findings")


def test_the_weights_are_those_of_a_training_that_is_not_watched(tmp_path):
    weights = []
    for callbacks in ([], [a_callback()]):
        torch.manual_seed(3)
        model = trained(callbacks, tmp_path)
        weights.append([parameter.detach().clone() for parameter in model.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*weights, strict=True))


def test_without_transformers_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    integration._audit_callback.cache_clear()
    with pytest.raises(MissingDependencyError, match="needs transformers: pip install transf"):
        integration.AuditCallback  # noqa: B018
    integration._audit_callback.cache_clear()


def test_neither_library_is_loaded_before_it_is_asked_for():
    program = (
        "import sys, wolfsbane.integrations.lightning, wolfsbane.integrations.transformers;"
        "print([name for name in ('lightning', 'pytorch_lightning', 'transformers')"
        " if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
