"""Where a process is tapped: calls of modules, modes set, backward passes, optimizers' steps.

Calls are seen by a wrapped `Module.__call__` and not by torch's global hooks. Hooks make compiled
modules warn and compile again, and lead every call another way through torch, which shows in
tracebacks.
"""

import functools
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from torch._C._dynamo import eval_frame as compiler
from torch.nn import Module
from torch.optim import Optimizer
from torch.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
)


class Listener(Protocol):
    """Who is told. What it raises ends its listening, not the run.

    While `ignores_calls` is true it is not told of the calls that begin.
    """

    ignores_calls: bool

    def call_begins(self, module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Note that a module is called; return what identifies the call, None to hear no more."""

    def call_ends(self, call: Any, output: Any) -> None:
        """Note that a call returned."""

    def call_fails(self, call: Any) -> None:
        """Note that a call raised."""

    def mode_is_set(self, module: Module, training: bool) -> None:
        """Note that train() or eval() was called."""

    def backward_begins(self) -> None:
        """Note that backward is called."""

    def step_begins(self, optimizer: Optimizer) -> None:
        """Note that an optimizer begins its step."""

    def step_ends(self, optimizer: Optimizer) -> None:
        """Note that an optimizer has finished its step."""

    def breaks(self, error: Exception) -> None:
        """Note that this listener failed, and will hear no more."""


_listeners: list[Listener] = []
_depths = threading.local()
_lock = threading.RLock()


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Tell a listener what happens in this process, in this block."""
    with _lock:
        if not _listeners:
            _taps.attach()
        _listeners.append(listener)
    try:
        yield
    finally:
        with _lock:
            if listener in _listeners:
                _listeners.remove(listener)
            if not _listeners:
                _taps.detach()


def _tell(listener: Listener, event: str, *what: Any) -> Any:
    try:
        return getattr(listener, event)(*what)
    except Exception as error:  # noqa: BLE001  # the user's run must not end by a mistake of ours
        if listener in _listeners:
            _listeners.remove(listener)
        listener.breaks(error)
        return None


def _tell_all(event: str, *what: Any) -> None:
    for listener in tuple(_listeners):
        _tell(listener, event, *what)


def _observed(call: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap Module.__call__. What is compiled, or runs inside of what is, goes straight on."""

    @functools.wraps(call)
    def observed_call(self: Module, *args: Any, **kwargs: Any) -> Any:
        for listener in _listeners:
            if not listener.ignores_calls:
                break
        else:
            return call(self, *args, **kwargs)
        if torch.compiler.is_compiling() or compiler.get_eval_frame_callback() is not None:
            return call(self, *args, **kwargs)
        calls = [
            (listener, begun)
            for listener in _listeners
            if (begun := _tell(listener, "call_begins", self, args, kwargs)) is not None
        ]
        if not calls:
            return call(self, *args, **kwargs)
        try:
            output = call(self, *args, **kwargs)
        except BaseException:
            for listener, begun in reversed(calls):
                _tell(listener, "call_fails", begun)
            raise
        for listener, begun in reversed(calls):
            _tell(listener, "call_ends", begun, output)
        return output

    return observed_call


def _outermost(kind: str) -> bool:
    return getattr(_depths, kind, 0) == 0


@contextmanager
def _within(kind: str) -> Iterator[None]:
    setattr(_depths, kind, getattr(_depths, kind, 0) + 1)
    try:
        yield
    finally:
        setattr(_depths, kind, getattr(_depths, kind) - 1)


def _observed_train(train: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(train)
    def observed_train(self: Module, mode: bool = True) -> Any:
        is_outermost = _outermost("train")
        with _within("train"):
            result = train(self, mode)
        if is_outermost:
            _tell_all("mode_is_set", self, mode)
        return result

    return observed_train


def _observed_backward(backward: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(backward)
    def observed_backward(*args: Any, **kwargs: Any) -> Any:
        if _outermost("backward"):
            _tell_all("backward_begins")
        with _within("backward"):
            return backward(*args, **kwargs)

    return observed_backward


class _Taps:
    """What is wrapped while anyone listens."""

    def attach(self) -> None:
        self._call, self._train = Module.__call__, Module.train
        self._backward = torch.autograd.backward
        self._wrapped = _observed(self._call)
        _leave_uncompiled(self._wrapped)
        Module.__call__ = self._wrapped  # type: ignore[method-assign]
        Module.train = _observed_train(self._train)  # type: ignore[method-assign]
        torch.autograd.backward = _observed_backward(self._backward)
        _tell_compiler(self._call, self._wrapped)
        self._hooks = [
            register_optimizer_step_pre_hook(lambda opt, *_: _tell_all("step_begins", opt)),
            register_optimizer_step_post_hook(lambda opt, *_: _tell_all("step_ends", opt)),
        ]

    def detach(self) -> None:
        Module.__call__ = self._call  # type: ignore[method-assign]
        Module.train = self._train  # type: ignore[method-assign]
        torch.autograd.backward = self._backward
        _tell_compiler(self._wrapped, self._call)
        for hook in self._hooks:
            hook.remove()


_taps = _Taps()


def _leave_uncompiled(function: Callable[..., Any]) -> None:
    """Let torch.compile skip a function's frame, as it does those of torch itself."""
    skip = compiler._FrameExecStrategy(  # noqa: SLF001  # torch.compiler.disable would load the compiler
        compiler._FrameAction.SKIP,  # noqa: SLF001
        compiler._FrameAction.DEFAULT,  # noqa: SLF001
    )
    compiler.set_code_exec_strategy(function.__code__, skip)


def _tell_compiler(before: Callable[..., Any], now: Callable[..., Any]) -> None:
    """Let torch.compile take our wrapper for the original: it enters `forward` directly then."""
    for name in ("torch._dynamo.utils", "torch._dynamo.variables.nn_module"):
        module = sys.modules.get(name)
        if module is not None and getattr(module, "unpatched_nn_module_call", None) is before:
            module.__dict__["unpatched_nn_module_call"] = now
