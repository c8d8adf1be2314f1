"""One training as a worker makes it, with wolfsbane's loop or the user's."""

import io
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any

import torch
from torch.nn.parameter import is_lazy

from wolfsbane.acceleration import accelerate
from wolfsbane.errors import ModelError, WolfsbaneError
from wolfsbane.experiment.data import Data, add_label_noise, split
from wolfsbane.experiment.prediction import evaluation_mode, predict
from wolfsbane.experiment.training import (
    AdamW,
    check_output,
    fingerprint,
    seeded,
    threads_for,
    train_built,
)
from wolfsbane.tuning.reports import Reports
from wolfsbane.tuning.setting import Setting
from wolfsbane.tuning.trial import Outcome, Request


def perform(setting: Setting, request: Request) -> Outcome:
    """Build the network, train it, measure it; in whatever process this is called.

    Weights and masks are drawn from torch's default CPU generator, seeded with the request's seed
    before the network is built and again before it is trained. Torch's own dropout layers run on
    wolfsbane's kernels meanwhile. Masks are nested: what is dropped at one rate is dropped at every
    higher one. The caller's generator is left as it was.

    Every dropout draws one key a call at any rate between 0 and 1, so configurations whose rates
    are all above 0 share all masks. At 0 it draws nothing, and what is drawn after it differs: two
    configurations that differ in which rates are 0 share weights and batch order alone.

    Raises:
        ModelError: the model's output does not fit, training diverges, or the loop gives no metric.
        Exception: what a loop of the user's raises, as it is.
    """
    start = time.perf_counter()
    label = f"training with {request.configuration}, seed {request.seed}"
    data, right_labels = _data(setting, request)
    with seeded(request.seed), accelerate(), _threads(setting, data):
        model = _build(label, setting, request, data)
        weights = fingerprint(model)
        reports = Reports(label, model, data, f"validation_{setting.objective.name}")
        with _noting(label):
            returned = train_built(label, model, data, request.seed, setting.train, reports)
        reports.close(returned)
        memorised = None if right_labels is None else _memorised(label, model, data, right_labels)
    return Outcome(
        curves=reports.curves,
        reliability=reports.reliability,
        memorised=memorised,
        num_parameters=sum(one.numel() for one in model.parameters() if not is_lazy(one)),
        initial_weights=weights,
        seconds=time.perf_counter() - start,
        weights=_saved(model) if request.keep_weights else None,
    )


def _threads(setting: Setting, data: Any) -> AbstractContextManager[None]:
    return nullcontext() if setting.pool is None else threads_for(data)


def _build(label: str, setting: Setting, request: Request, data: Any) -> torch.nn.Module:
    if setting.pool is None:
        return setting.subject.build(request.configuration, None)
    model = setting.subject.build(request.configuration, data)
    # A loop of the user's may measure for itself, and its model take and give something else.
    with nullcontext() if isinstance(setting.train, AdamW) else suppress(ModelError):
        check_output(label, model, data)
    return model


def _data(setting: Setting, request: Request) -> tuple[Any, torch.Tensor | None]:
    """Return what the loop is given, and the right labels where some of its own are wrong."""
    if setting.pool is None:
        return setting.data, None
    size = setting.train_size if request.train_size is None else request.train_size
    noise = setting.label_noise if request.label_noise is None else request.label_noise
    # The learning curve's sizes are measured on the same examples, or they could not be compared.
    clean = split(setting.pool, size, request.seed, part_of=max(size, setting.train_size))
    noisy = add_label_noise(clean, noise, request.seed)
    return noisy, None if noisy is clean else clean.train.y


def _memorised(label: str, model: torch.nn.Module, data: Data, right: torch.Tensor) -> float | None:
    """Return the share of wrong labels that the model gives; None where it gives no classes."""
    is_wrong = data.train.y != right
    if not is_wrong.any():
        return None
    try:
        check_output(label, model, data)
    except ModelError:
        return None
    with evaluation_mode(model):
        given = predict(model, data.train[is_wrong]).argmax(1)
    return (given == data.train.y[is_wrong]).double().mean().item()


def _saved(model: torch.nn.Module) -> bytes:
    state = {
        name: value.cpu() if isinstance(value, torch.Tensor) else value
        for name, value in model.state_dict().items()
    }
    file = io.BytesIO()
    torch.save(state, file)
    return file.getvalue()


@contextmanager
def _noting(label: str) -> Iterator[None]:
    """Let what the user's loop raises go on, with a note of the training it was raised in."""
    try:
        yield
    except WolfsbaneError:
        raise
    except Exception as error:
        error.add_note(f"raised in the {label}")
        raise
