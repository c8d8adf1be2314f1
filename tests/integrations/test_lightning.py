"""The callback in Lightning's own Trainer, of both packages that it is installed as."""

import importlib
import pickle

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from integrations.counting import CountsSteps
from skips import require_packages
from wolfsbane.errors import MissingDependencyError
from wolfsbane.integrations import lightning as integration

pytestmark = pytest.mark.filterwarnings("ignore")  # Lightning's own, on small runs

BOTH = pytest.mark.parametrize("package", ["lightning.pytorch", "pytorch_lightning"])


def module_of(lightning, *, fails=False, mistaken=False):
    class Net(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))

        def training_step(self, batch, index):
            if fails and index == 3:
                raise ArithmeticError("no such luck")
            output = self.net(batch[0])
            return F.cross_entropy(output.softmax(1) if mistaken else output, batch[1])

        def validation_step(self, batch, index):
            F.cross_entropy(self.net(batch[0]), batch[1])

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.1)

    return Net()


def fit(package, callback, tmp_path, **kwargs):
    require_packages(package.partition(".")[0])
    lightning = importlib.import_module(package)
    loader = DataLoader(TensorDataset(torch.randn(32, 8), torch.randint(0, 2, (32,))), 8)
    trainer = lightning.Trainer(
        max_epochs=2,
        accelerator="cpu",
        callbacks=[callback],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
    )
    model = module_of(lightning, **kwargs)
    trainer.fit(model, loader, loader)
    return model


def a_callback(**kwargs):
    require_packages("lightning")
    return integration.AuditCallback(**kwargs)


@BOTH
def test_a_training_is_watched_and_told_at_its_end(package, tmp_path, capsys):
    callback = a_callback(rules=[CountsSteps])
    fit(package, callback, tmp_path)
    assert [finding.message for finding in callback.findings] == ["8 steps"]
    assert "WB199 8 steps" in capsys.readouterr().out


@BOTH
def test_a_mistake_is_found_by_default_and_a_correct_training_is_silent(package, tmp_path):
    callback = a_callback()
    fit(package, callback, tmp_path, mistaken=True)
    assert callback.findings.codes == ["WB401"]
    fit(package, callback, tmp_path)
    assert callback.findings.codes == []


@BOTH
def test_an_error_passes_and_is_told_to_the_rules(package, tmp_path, capsys):
    callback = a_callback(rules=[CountsSteps])
    with pytest.raises(ArithmeticError, match="no such luck"):
        fit(package, callback, tmp_path, fails=True)
    assert [finding.message for finding in callback.findings] == ["3 steps, then no such luck"]
    assert not callback.is_watching
    assert capsys.readouterr().out.count("WB199") == 1


def test_the_weights_are_those_of_a_training_that_is_not_watched(tmp_path):
    require_packages("lightning")
    lightning = importlib.import_module("lightning.pytorch")
    weights = []
    for callback in (lightning.Callback(), a_callback()):
        torch.manual_seed(3)
        model = fit("lightning.pytorch", callback, tmp_path)
        weights.append([parameter.detach().clone() for parameter in model.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*weights, strict=True))


def test_it_is_a_callback_of_every_package_that_is_installed():
    callback = a_callback()
    for package in ("lightning.pytorch", "pytorch_lightning"):
        require_packages(package.partition(".")[0])
        assert isinstance(callback, importlib.import_module(package).Callback)


def test_a_started_process_gets_the_settings():
    copy = pickle.loads(pickle.dumps(a_callback(sampling=7)))
    assert isinstance(copy, integration.AuditCallback)
    assert (copy.sampling, copy.is_watching) == (7, False)


def test_without_lightning_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr(integration.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setitem(importlib.sys.modules, "lightning", None)
    monkeypatch.setitem(importlib.sys.modules, "lightning.pytorch", None)
    integration._audit_callback.cache_clear()
    with pytest.raises(MissingDependencyError, match="needs lightning: pip install lightning"):
        integration.AuditCallback  # noqa: B018
    integration._audit_callback.cache_clear()


def test_other_names_are_not_there():
    with pytest.raises(AttributeError, match="has no attribute 'Callback'"):
        integration.Callback  # noqa: B018
