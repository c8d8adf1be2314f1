"""The samples of one batch, in order, by a strategy that is tried before it is trusted."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from wolfsbane.errors import UnsupportedError
from wolfsbane.uncertainty import prefix
from wolfsbane.uncertainty.meter import now
from wolfsbane.uncertainty.passes import Observation, Passes, observe
from wolfsbane.uncertainty.strategy import (
    OBVIOUS,
    SMALL,
    STRATEGIES,
    TRIAL,
    Choice,
    chunk_for,
    is_sure,
    looping,
    suggest,
    trial_size,
)

TOLERANCE = {torch.float16: 2e-2, torch.bfloat16: 1e-1}
"""By which outputs of the same masks may differ, relative to the largest, for they are rounded in
another order. Another mask differs by more."""

DEFAULT_TOLERANCE = 2e-3
"""Also of float32, which a GPU may multiply with the ten bits of TF32."""


@dataclass(frozen=True)
class _Attempt:
    """A pass over many samples, its time, or why it cannot be used."""

    outputs: Tensor | None
    seconds: float = 0.0
    error: Exception | None = None


def in_chunks(passes: Passes, choice: Choice, samples: range) -> Iterator[Tensor]:
    """Yield the outputs of samples by one strategy, some at a time: (k, *)."""
    for first in range(samples.start, samples.stop, choice.chunk):
        part = range(first, min(first + choice.chunk, samples.stop))
        yield STRATEGIES[choice.strategy](passes, part)


class Trusted:
    """Samples by a strategy that held for another batch; by a loop, where it does not for this.

    Args:
        passes: over the batch.
        samples: how many.
        choice: the strategy.
        may_change: to the loop.
    """

    def __init__(self, passes: Passes, samples: int, choice: Choice, may_change: bool) -> None:
        self._passes, self._samples, self.choice = passes, samples, choice
        self._may_change = may_change

    def run(self) -> Iterator[Tensor]:
        """Yield the outputs of all samples."""
        done = 0
        while done < self._samples:
            part = range(done, min(done + self.choice.chunk, self._samples))
            attempt = _attempt(self._passes, self.choice.strategy, part)
            if attempt.outputs is not None:
                yield attempt.outputs
                done = part.stop
            elif self._may_change and self.choice.strategy != "loop":
                self.choice = Choice("loop", _words(self.choice.strategy, attempt.error))
            else:
                raise _named(self.choice.strategy, attempt.error) from attempt.error


class Named:
    """Samples by a strategy that was asked for by name.

    Args:
        passes: over the batch.
        samples: how many.
        strategy: its name.
        seen: the first sample.
    """

    def __init__(self, passes: Passes, samples: int, strategy: str, seen: Observation) -> None:
        self._passes, self._samples, self._seen = passes, samples, seen
        if strategy == "loop":
            self.choice = looping(seen, "as asked")
        else:
            self.choice = Choice(strategy, "as asked", chunk_for(seen, samples))

    def run(self) -> Iterator[Tensor]:
        """Yield the outputs of all samples."""
        seen, done = self._seen, 1
        yield seen.output.unsqueeze(0)
        if self.choice.strategy == "loop" or self._samples == 1:
            yield from in_chunks(self._passes, self.choice, range(done, self._samples))
            return
        # Compared is not the first sample: a mask that all samples share would be right for it.
        if self._samples > TRIAL:
            seen, done = observe(self._passes, 1), 2
            yield seen.output.unsqueeze(0)
        place = _place_of_known(self.choice.strategy, done)
        first = done - 1 - place
        part = range(first, min(done - 1 + max(2, self.choice.chunk), self._samples))
        attempt = _compared(self._passes, self.choice.strategy, part, seen, place)
        if attempt.outputs is None:
            raise _named(self.choice.strategy, attempt.error) from attempt.error
        yield attempt.outputs[1 + place :]
        yield from in_chunks(self._passes, self.choice, range(part.stop, self._samples))


class Automatic:
    """Samples by whatever the first passes show to be fast.

    Args:
        passes: over the batch.
        samples: how many.
        seen: the first sample.
    """

    def __init__(self, passes: Passes, samples: int, seen: Observation) -> None:
        self._passes, self._samples, self._seen = passes, samples, seen
        self._done = 1
        self._tried: set[str] = set()
        self.choice = looping(seen, f"{samples} samples")

    def run(self) -> Iterator[Tensor]:
        """Yield the outputs of all samples."""
        yield self._seen.output.unsqueeze(0)
        if self._seen.share < OBVIOUS or not is_sure(self._seen, self._samples):
            yield from self._second_look()
        self.choice = suggest(self._seen, self._samples)
        while self._done < self._samples and self.choice.strategy != "loop":
            yield from self._fast()
        yield from in_chunks(self._passes, self.choice, range(self._done, self._samples))

    def _second_look(self) -> Iterator[Tensor]:
        """Look at a second pass: the first of all pays for what is done once.

        Where something else has the processor for a moment, a share may be far too large. Twice in
        the same place it hardly is, so the smaller one counts.
        """
        share = self._seen.share
        yield from self._observe_next()
        self._seen = replace(self._seen, share=min(share, self._seen.share))

    def _observe_next(self) -> Iterator[Tensor]:
        if self._done < self._samples:
            self._seen = observe(self._passes, self._done)
            self._done += 1
            yield self._seen.output.unsqueeze(0)

    def _fast(self) -> Iterator[Tensor]:
        """Try the strategy chosen; where it fails, choose another."""
        strategy, largest = self.choice.strategy, self.choice.chunk
        if self.choice.is_trial:
            prefix.warm_up()
        size = trial_size(self._seen, self._samples) if self.choice.is_trial else largest + 1
        place = _place_of_known(strategy, self._done)
        first = self._done - 1 - place
        part = range(first, min(first + size, self._samples))
        attempt = _compared(self._passes, strategy, part, self._seen, place)
        if attempt.outputs is None:
            yield from self._after_failure(_words(strategy, attempt.error))
            return
        yield attempt.outputs[1 + place :]
        self._done = part.stop
        if not self.choice.is_trial:
            yield from in_chunks(self._passes, self.choice, range(self._done, self._samples))
            self._done = self._samples
        elif attempt.seconds > self._seen.seconds * len(part):
            yield from self._after_failure(f"a trial of {strategy!r} was slower than the loop")
        else:
            yield from self._grow(attempt.seconds / len(part), size)

    def _grow(self, per_sample: float, size: int) -> Iterator[Tensor]:
        """Compute more and more samples at once while that makes them faster."""
        alone, best, chunk = self._seen.seconds, per_sample, size
        while self._done < self._samples:
            size = min(2 * size, self.choice.chunk)
            part = range(self._done, min(self._done + size, self._samples))
            attempt = _attempt(self._passes, self.choice.strategy, part)
            if attempt.outputs is None:  # such as too little memory
                why = _words(self.choice.strategy, attempt.error)
                self.choice = looping(self._seen, why)
                return
            yield attempt.outputs
            per_sample = attempt.seconds / len(part)
            self._done = part.stop
            if per_sample < best:
                best, chunk = per_sample, len(part)
            elif len(part) == size:
                size = chunk // 2 or 1
        reason = f"{self.choice.reason}; per sample a trial took {best / alone:.2f} of the loop"
        self.choice = replace(self.choice, reason=reason, chunk=chunk, is_trial=False)

    def _after_failure(self, why: str) -> Iterator[Tensor]:
        left = self._samples - self._done
        self._tried.add(self.choice.strategy)
        others = [name for name in ("replicate", "prefix") if name not in self._tried]
        if not others or self._seen.largest * TRIAL > SMALL or left < TRIAL:
            self.choice = looping(self._seen, why)
            return
        # The last sample again as a loop computes it, to compare with.
        yield from self._observe_next()
        self.choice = replace(self.choice, strategy=others[0], reason=why, is_trial=True)


def _attempt(passes: Passes, strategy: str, part: range) -> _Attempt:
    begin = now(passes.device)
    try:
        outputs = STRATEGIES[strategy](passes, part)
    except Exception as error:  # noqa: BLE001  # a model may raise anything where it cannot run
        return _Attempt(None, error=error)
    return _Attempt(outputs, now(passes.device) - begin)


def _place_of_known(strategy: str, done: int) -> int:
    """Return where among the samples of a pass the one is that the loop's is compared with.

    Not in front in a replicated batch: there it has the places that its rows have in the loop, and
    what depends on a row's place would not show.
    """
    return 1 if strategy == "replicate" and done > 1 else 0


def _compared(
    passes: Passes, strategy: str, part: range, seen: Observation, place: int
) -> _Attempt:
    """Try a strategy on samples of which one is known."""
    if strategy == "replicate" and seen.reads_numbers:
        words = "Python looks at numbers after the first drop, and decides for all rows at once"
        return _Attempt(None, error=UnsupportedError(words))
    attempt = _attempt(passes, strategy, part)
    if (
        attempt.outputs is None
        or seen.has_other_draws
        or _agree(attempt.outputs[place], seen.output)
    ):
        return attempt
    error = UnsupportedError(
        "its output for the same masks is another one than the loop's: rows depend on one "
        "another, something is written in place, or autocast is on, of which vmap knows nothing"
    )
    return _Attempt(None, error=error)


def _agree(output: Tensor, expected: Tensor) -> bool:
    if output.shape != expected.shape or output.dtype is not expected.dtype:
        return False
    tolerance = TOLERANCE.get(expected.dtype, DEFAULT_TOLERANCE)
    size = expected.double().nan_to_num(0.0, 0.0, 0.0).abs()
    largest = size.max().item() if size.numel() else 0.0
    return torch.allclose(output, expected, tolerance, tolerance * largest, equal_nan=True)


def _words(strategy: str, error: Exception | None) -> str:
    first_line = str(error).strip().partition("\n")[0]
    return f"{strategy!r} cannot run this model: {type(error).__name__}: {first_line}"


def _named(strategy: str, error: Exception | None) -> Exception:
    if strategy == "loop" and error is not None:
        return error
    return UnsupportedError(f"{_words(strategy, error)}. Use strategy='auto' or strategy='loop'")
