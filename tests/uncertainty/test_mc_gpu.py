"""On a GPU every strategy gives the masks of the CPU."""

import pytest
import torch

from skips import require_cuda
from uncertainty.mc_cases import CASES
from wolfsbane.uncertainty import mc_dropout

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")


@pytest.mark.parametrize("strategy", ["loop", "prefix", "replicate", "auto"])
def test_a_gpu_gives_the_samples_of_the_cpu(strategy):
    require_cuda()
    for case in CASES:
        if not case.masked or not case.runs(strategy):
            continue
        model, x = case.make(), torch.randn(case.shape)
        on_cpu, on_gpu = (
            mc_dropout(
                model.to(device),
                x.to(device),
                6,
                strategy,
                generator=torch.Generator().manual_seed(3),
                keep_samples=True,
            ).samples.cpu()
            for device in ("cpu", "cuda")
        )
        # TF32 in convolutions and recurrent nets; another mask differs by a tenth or more.
        torch.testing.assert_close(on_gpu, on_cpu, rtol=5e-3, atol=5e-3)
