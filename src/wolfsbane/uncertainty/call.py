"""Monte-Carlo dropout: the public call."""

from typing import Any

import torch
from torch.nn import Module

from wolfsbane.arguments import explain_unknown_arguments
from wolfsbane.errors import ArgumentError, ArgumentTypeError, ModelError
from wolfsbane.mask import draw_key
from wolfsbane.mask.key import check_generator
from wolfsbane.uncertainty import batches
from wolfsbane.uncertainty.batches import Forward
from wolfsbane.uncertainty.live import live
from wolfsbane.uncertainty.masks import Masks
from wolfsbane.uncertainty.prediction import McPrediction
from wolfsbane.uncertainty.strategy import STRATEGIES
from wolfsbane.uncertainty.summary import OUTPUTS
from wolfsbane.uncertainty.task import Prediction, Task


@explain_unknown_arguments
def mc_dropout(
    model: Module,
    inputs: Any,
    samples: int = 32,
    strategy: str = "auto",
    batch_size: int | None = None,
    generator: torch.Generator | None = None,
    *,
    outputs: str = "values",
    consistent: bool = False,
    keep_samples: bool = False,
    forward: Forward | None = None,
) -> McPrediction:
    r"""Run a model many times with its dropout on, and return the mean and the spread.

    $$\bar y = \frac{1}{S} \sum_s f(x, m_s), \quad
    \mathrm{var} = \frac{1}{S - 1} \sum_s (f(x, m_s) - \bar y)^2$$

    The model runs in evaluation mode, whatever mode it is in, except for what drops: dropout layers
    of torch, ours (`GaussianNoise` among them) and other libraries, dropped weights,
    `MultiheadAttention`, recurrent nets, `F.dropout` with p > 0 (whatever its `training` says), and
    attention whose rate is an attribute of a module. Batch norms use their running statistics,
    which stay as they are. Afterwards modes, hooks, attributes and torch's generators are as
    before, also after an error; no gradients are recorded. Of threads, one predicts at a time.

    Masks follow the contract of `wolfsbane.mask`: one key is drawn, and all masks follow from it.
    Sample s has the same masks with every strategy, so the strategies agree but for rounding. Only
    what a model draws without a mask (`torch.rand`, `bernoulli_`) differs between them. It is
    seeded by the same key. "auto" decides by time, so its last digits may differ from run to run.

    Statistics accumulate in float64, in memory that does not grow with the number of samples; the
    results have the output's dtype.

    Args:
        model: any module.
        inputs: a tensor; a tuple of arguments; a dict of keyword arguments; or an iterable of
            batches, as a DataLoader is: of tensors, of dicts, or of tuples and lists whose first
            element is the model's input (the rest may be labels). The first dimension of each
            tensor is the batch.
        samples: number of passes, at least 1. Default: 32.
        strategy: "loop" runs the model once a sample. "prefix" runs what comes before the first
            drop once, and the rest for many samples at once, by `torch.func.vmap`. "replicate" runs
            the batch many times over in one pass. One asked for by name raises where it cannot
            run. "auto" measures the first passes and takes what is fastest. Default: "auto".
        batch_size: largest number of rows in a pass of one sample; None leaves batches as they
            are. Default: None.
        generator: where the key is drawn; torch's default CPU generator where None.
        outputs: what the model returns: "values"; "logits" or "probabilities" of classes, along
            dimension 1, whose probabilities are what is averaged. Default: "values".
        consistent: one fixed mask a sample for all rows and all batches, so that a sample is one
            draw from the posterior over networks: a row's result depends neither on its batch nor
            on its place. Whatever is dropped then has to have the batch as first dimension.
            Default: False.
        keep_samples: keep every sample. Default: False.
        forward: called with (model, batch) instead of the model, with the whole batch, where the
            output is not one tensor or the batch is not what the model takes. Default: None.

    Shape:
        Outputs (N, *) give a mean and a variance of (N, *); with classes (N, C, *), an entropy and
        a mutual information of (N, *).

    Raises:
        ArgumentError, ArgumentTypeError: an argument is out of range.
        ModelError: nothing drops, the output is not a tensor, or the model is on the meta device.
        DataError: there is no batch.
        UnsupportedError: a strategy that was asked for cannot run the model; or, with `consistent`,
            a mask cannot be the same for all rows.

    Examples:
        >>> _ = torch.manual_seed(0)
        >>> model = torch.nn.Sequential(torch.nn.Linear(8, 64), torch.nn.ReLU(),
        ...                             torch.nn.Dropout(0.2), torch.nn.Linear(64, 3))
        >>> prediction = mc_dropout(model, torch.randn(5, 8), outputs="logits")
        >>> prediction.mean.shape, prediction.mutual_information.shape
        (torch.Size([5, 3]), torch.Size([5]))
        >>> bool((prediction.mutual_information <= prediction.entropy).all())
        True

    References:
        Gal, Ghahramani 2016, arXiv:1506.02142. Houlsby et al. 2011, arXiv:1112.5745.
    """
    _check(model, samples, strategy, outputs)
    _check_device(model)
    check_generator(generator)
    parts = batches.batches(inputs, batch_size, whole=forward is not None)
    task = Task(model, batches.call if forward is None else forward, samples, strategy, outputs)
    prediction = Prediction(task, keep_samples)
    masks = Masks(draw_key(generator), consistent)
    with live(model, masks):
        for number, batch in enumerate(parts):
            masks.start_batch(number, batches.num_rows(batch))
            prediction.add(batch, masks)
    return prediction.result()


def _check(model: object, samples: object, strategy: str, outputs: str) -> None:
    if not isinstance(model, Module):
        raise ArgumentTypeError(
            f"mc_dropout needs a torch.nn.Module, but got {model!r} (of type "
            f"{type(model).__name__}): mc_dropout(model, inputs)"
        )
    if isinstance(samples, bool) or not isinstance(samples, int) or samples < 1:
        raise ArgumentError(
            f"samples has to be a positive integer, but got {samples!r}. It is the number of "
            "forward passes; 32 give a standard deviation to about 13 percent"
        )
    if strategy not in {"auto", *STRATEGIES}:
        raise ArgumentError(
            f"strategy has to be one of 'auto', {', '.join(map(repr, STRATEGIES))}, but got "
            f"{strategy!r}. 'auto' takes the fastest"
        )
    if outputs not in OUTPUTS:
        raise ArgumentError(
            f"outputs has to be one of {', '.join(map(repr, OUTPUTS))}, but got {outputs!r}. It "
            "says what the model returns"
        )


def _check_device(model: Module) -> None:
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if tensor.is_meta:
            raise ModelError(
                f"{name} of the model is on the meta device, where tensors have no numbers to "
                "predict with. Give it some: model.to_empty(device='cpu') and load_state_dict, or "
                "build the model on a device"
            )
