from pathlib import Path

import pytest
import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, TensorDataset

from ranks import run_ranks
from skips import require_gloo
from wolfsbane import surgery
from wolfsbane.audit import check_model
from wolfsbane.audit.registry import rule_of

RULES = [rule_of("WB305")]
SCRIPT = Path(__file__).parent / "worker.py"


@pytest.fixture
def process_group():
    require_gloo()
    distributed.init_process_group("gloo", store=distributed.HashStore(), rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


def loader(batch_size):
    return DataLoader(TensorDataset(torch.randn(64, 4)), batch_size=batch_size)


def net():
    return nn.Sequential(nn.Linear(4, 4, bias=False), nn.BatchNorm1d(4), nn.ReLU())


@pytest.mark.usefixtures("process_group")
@pytest.mark.parametrize(("batch_size", "is_found"), [(1, True), (8, True), (16, False)])
def test_a_wrapped_model_needs_sixteen_samples_a_rank(batch_size, is_found):
    model = DistributedDataParallel(net())
    findings = check_model(model, loader=loader(batch_size), rules=RULES)
    assert findings.codes == ["WB305"] * is_found


@pytest.mark.usefixtures("process_group")
def test_the_advice_makes_it_silent():
    model = net()
    surgery.convert_sync_batchnorm(model).apply()
    findings = check_model(DistributedDataParallel(model), loader=loader(2), rules=RULES)
    assert findings.codes == []


@pytest.mark.usefixtures("process_group")
def test_frozen_statistics_are_silent():
    model = DistributedDataParallel(net())
    model.module[1].eval()
    assert check_model(model, loader=loader(2), rules=RULES).codes == []


@pytest.mark.usefixtures("process_group")
def test_one_process_alone_shares_nothing():
    assert check_model(net(), loader=loader(2), rules=RULES).codes == []


@pytest.mark.usefixtures("process_group")
def test_example_inputs_do_not_tell_the_batch_size():
    model = DistributedDataParallel(net())
    assert check_model(model, torch.randn(2, 4), rules=RULES).codes == []


@pytest.mark.usefixtures("process_group")
def test_the_message_has_the_numbers():
    model = DistributedDataParallel(net())
    (finding,) = check_model(model, loader=loader(2), rules=RULES)
    assert finding.place.module == "module.1"
    assert "batch norm 'module.1' would normalise each rank's 2 samples alone" in finding.message


def test_each_of_several_processes_finds_it_without_a_wrapper(tmp_path_factory):
    assert run_ranks(SCRIPT, 2, tmp_path_factory) == [["WB305"], ["WB305"]]
