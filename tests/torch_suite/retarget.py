"""The entries of PyTorch's test databases that concern wolfsbane, pointed at wolfsbane.

They are found by name, so an entry that a future torch adds is found, too.
"""

import copy
import inspect
from functools import partial, wraps

import torch
from torch.testing._internal.common_methods_invocations import op_db
from torch.testing._internal.common_modules import module_db

import wolfsbane.functional
import wolfsbane.nn
from torch_suite.runs import same_draws

# Importing the databases forbids plain assignments to torch.backends' flags in this process,
# and with them in tests that have nothing to do with the databases.
vars(torch.backends)["__allow_nonbracketed_mutation_flag"] = True

FUNCTION_NAMESPACES = ("", "nn.functional")
"""Where op_db has a function of torch.nn.functional: "tanh", "nn.functional.relu"."""

COMPLEX_TOO = frozenset({"dropout", "dropout2d", "dropout3d"})
"""wolfsbane documents complex inputs for these; op_db lists torch's real dtypes only."""

SEEDED = "torch_suite_seeds_it"
"""The attribute that marks a function under a seed of ours."""


def namespace_and_name(info):
    """Return ("nn.functional", "relu") for an entry of op_db named "nn.functional.relu"."""
    namespace, _, name = info.name.rpartition(".")
    return namespace, name


def concerns_us(info):
    """Tell whether an entry of op_db tests a function that wolfsbane.functional has."""
    namespace, name = namespace_and_name(info)
    return namespace in FUNCTION_NAMESPACES and name in wolfsbane.functional.__all__


def function_of(info):
    """Return wolfsbane's function that an entry of op_db is about."""
    return getattr(wolfsbane.functional, namespace_and_name(info)[1])


def is_reexport(ours):
    """Tell whether a class or function of wolfsbane is torch's very object."""
    return not (ours.__module__ or "").startswith("wolfsbane")


def seeded(function):
    """Return `function` under the seed that the database gives to random operations."""

    @wraps(function)
    def with_seed(*args, **kwargs):
        with same_draws():
            return function(*args, **kwargs)

    setattr(with_seed, SEEDED, True)
    return with_seed


def retarget_module(info, ours):
    """Return a copy of a module_db entry for the class `ours`.

    The functions that make inputs test the identity of the entry's class: they get the original.
    """
    entry = copy.copy(info)
    entry.module_cls = ours
    entry.module_inputs_func = _called_with(info, info.module_inputs_func)
    if info.module_error_inputs_func is not None:
        entry.module_error_inputs_func = _called_with(info, info.module_error_inputs_func)
    return entry


def _called_with(original, make_inputs):
    return lambda _, **kwargs: make_inputs(original, **kwargs)


def retarget_op(info, ours):
    """Return a copy of an op_db entry for the function `ours`, seeded where torch's is."""
    entry = copy.copy(info)
    entry.dtypesIf = dict(info.dtypesIf)
    function = seeded(ours) if is_seeded(info) else ours
    entry.op = function
    entry.method_variant = entry.operator_variant = entry.inplace_operator_variant = None
    entry.inplace_variant = None
    if info.inplace_variant is not None and takes_inplace(ours):
        entry.inplace_variant = partial(function, inplace=True)
    entry.supports_out = info.supports_out and info.op is ours
    if not is_reexport(ours) and is_seeded(info):
        # The vmap under this check refuses to draw, as the database says for all of torch's
        # dropouts but the one without a forward-mode derivative (pytorch/pytorch#66357).
        entry.check_batched_forward_grad = entry.check_inplace_batched_forward_grad = False
    if namespace_and_name(info)[1] in COMPLEX_TOO:
        _add_dtypes(entry, {torch.complex64, torch.complex128})
    return entry


def _add_dtypes(entry, more):
    entry.dtypes = entry.dtypes | more
    entry.backward_dtypes = entry.backward_dtypes | more
    for device, dtypes in entry.dtypesIf.items():
        if dtypes is not None:
            entry.dtypesIf[device] = set(dtypes) | more


def is_seeded(info):
    """Tell whether an entry's operation is random: the database wraps it to seed it."""
    return getattr(info.op, "__name__", "") == "<lambda>" or hasattr(info.op, SEEDED)


def takes_inplace(ours):
    """Tell whether a class or a function has the argument `inplace`."""
    try:
        return "inplace" in inspect.signature(ours).parameters
    except ValueError:  # a builtin without a signature
        return False


MODULE_ENTRIES = tuple(
    retarget_module(info, getattr(wolfsbane.nn, info.module_cls.__name__))
    for info in module_db
    if info.module_cls.__name__ in wolfsbane.nn.__all__
)

OP_ENTRIES = tuple(retarget_op(info, function_of(info)) for info in op_db if concerns_us(info))
