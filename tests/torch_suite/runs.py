"""Running a module on an entry's inputs: its output, its gradients, and the inputs changed."""

import contextlib
import copy

import torch
from torch import Tensor
from torch.testing._utils import freeze_rng_state

SEED = 42


@contextlib.contextmanager
def same_draws():
    """Let every block under this manager draw the same random numbers.

    As the database's wrapper_set_seed, but without torch.manual_seed, which formats a stack trace
    for each kind of device that has not been used yet: half of this suite's time.
    """
    with freeze_rng_state():
        torch.default_generator.manual_seed(SEED)
        if torch.cuda.is_initialized():
            torch.cuda.manual_seed_all(SEED)
        yield


def forward(module, module_input):
    """Return the module's output for an entry's input, with the same draws every time."""
    arguments = module_input.forward_input
    with same_draws():
        return module(*arguments.args, **arguments.kwargs)


def reference(module, module_input):
    """Return what the entry's reference function gives, with the draws that `forward` has."""
    arguments = module_input.forward_input
    with same_draws():
        return module_input.reference_fn(module, *arguments.args, **arguments.kwargs)


def floating(module_input):
    """Return the floating-point tensors that forward takes."""
    arguments = module_input.forward_input
    values = [*arguments.args, *arguments.kwargs.values()]
    return [value for value in values if isinstance(value, Tensor) and value.is_floating_point()]


def uneven(output):
    """Return an output gradient that is different for every element."""
    ramp = torch.linspace(-1, 1, output.numel(), dtype=output.dtype, device=output.device)
    return ramp.reshape(output.shape)


def gradients(module, module_input):
    """Return the output, and the gradients of inputs and parameters for one output gradient."""
    leaves = [*floating(module_input), *module.parameters()]
    output = forward(module, module_input)
    return output, torch.autograd.grad(output, leaves, uneven(output), allow_unused=True)


def with_inputs(module_input, function):
    """Return the entry's inputs with `function` applied to every tensor that forward takes."""

    def apply(value):
        if not isinstance(value, Tensor):
            return value
        return function(value).detach().requires_grad_(value.requires_grad)

    arguments = module_input.forward_input
    return _with_forward_input(
        module_input,
        tuple(apply(value) for value in arguments.args),
        {name: apply(value) for name, value in arguments.kwargs.items()},
    )


def with_input(module_input, tensor):
    """Return the entry's inputs with `tensor` itself as the one argument of forward."""
    return _with_forward_input(module_input, (tensor,), {})


def _with_forward_input(module_input, args, kwargs):
    changed = copy.copy(module_input)
    changed.forward_input = copy.copy(module_input.forward_input)
    changed.forward_input.args = args
    changed.forward_input.kwargs = kwargs
    return changed
