"""The cases that the suite parametrises over: an entry, a device, a dtype, a mode."""

import inspect
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch.testing._internal.common_modules import ModuleInfo
from torch.testing._internal.opinfo.core import OpInfo

from torch_suite.own_entries import OWN_MODULE_ENTRIES, OWN_OP_ENTRIES
from torch_suite.retarget import MODULE_ENTRIES, OP_ENTRIES, function_of, is_reexport, is_seeded
from torch_suite.runs import forward, same_draws

DEVICES = ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)

REEXPORT_DTYPES = frozenset({torch.float32, torch.complex64, torch.int64, torch.float64})
"""A re-export is torch's object, and these are the dtypes in which PyTorch makes its checks."""

WARNINGS_OF_SAMPLES = (
    # dropout2d reads a 3-D sample as (N, C, L) and says so, in torch and here.
    "ignore:dropout2d. Received a 3D input",
    # softmax's samples ask for a real dtype whatever the input's is.
    "ignore:Casting complex values to real discards the imaginary part",
)
"""What the database's own samples provoke, in torch's functions as in ours."""


def name_of(dtype):
    """Return "float32" for torch.float32."""
    return str(dtype).removeprefix("torch.")


@dataclass(frozen=True, eq=False)
class OpCase:
    """A function of ours as an entry of op_db describes it, on a device, for a dtype."""

    info: OpInfo
    device: str
    dtype: torch.dtype
    database: str

    @property
    def name(self) -> str:
        variant = f"-{self.info.variant_test_name}" if self.info.variant_test_name else ""
        return f"{self.info.name}{variant}-{self.device}-{name_of(self.dtype)}"

    @property
    def entry(self) -> str:
        return self.info.full_name

    @property
    def parameters(self) -> dict[str, Any]:
        """Return what else the database's decorators may depend on."""
        return {}

    @property
    def is_ours(self) -> bool:
        return not is_reexport(function_of(self.info))

    @property
    def draws(self) -> bool:
        """Tell whether the output is random (rrelu, the dropouts)."""
        return is_seeded(self.info)

    def samples(self, *, requires_grad=False):
        """Return the entry's sample inputs; each is made once."""
        return samples(self.info, self.device, self.dtype, requires_grad=requires_grad)

    def reference_samples(self):
        """Return the larger set of inputs that the entry has for comparison with numpy."""
        make = self.info.reference_inputs_func or self.info.sample_inputs_func
        return list(make(self.info, self.device, self.dtype, requires_grad=False))


def samples(info, device, dtype, *, requires_grad=False):
    """Return the sample inputs of an op_db entry, all made from the test's one seed.

    OpInfo.sample_inputs would also look through the whole stack for the test's name, and seed
    every device for each sample: that took longer than the tests.
    """
    return list(info.sample_inputs_func(info, device, dtype, requires_grad))


@dataclass(frozen=True, eq=False)
class ModuleCase:
    """A class of ours as an entry of module_db describes it, on a device, for a dtype and mode."""

    info: ModuleInfo
    device: str
    dtype: torch.dtype
    training: bool
    database: str

    @property
    def name(self) -> str:
        mode = "" if not self.info.train_and_eval_differ else "-train" if self.training else "-eval"
        return f"{self.cls.__name__}-{self.device}-{name_of(self.dtype)}{mode}"

    @property
    def entry(self) -> str:
        return self.cls.__name__

    @property
    def cls(self) -> type[torch.nn.Module]:
        return self.info.module_cls

    @property
    def torch_cls(self) -> type[torch.nn.Module] | None:
        """Torch's class of the same name."""
        return getattr(torch.nn, self.cls.__name__, None)

    @property
    def parameters(self) -> dict[str, Any]:
        """Return what else the database's decorators may depend on."""
        return {"training": self.training}

    @property
    def is_ours(self) -> bool:
        return not is_reexport(self.cls)

    @property
    def draws(self) -> bool:
        """Tell whether the output is random."""
        return self.training and issubclass(self.cls, torch.nn.modules.dropout._DropoutNd)

    @property
    def factory_arguments(self) -> dict[str, Any]:
        """Return device and dtype, for a class whose constructor takes them."""
        if "dtype" not in inspect.signature(self.cls).parameters:
            return {}
        return {"device": self.device, "dtype": self.dtype}

    def inputs(self, *, requires_grad=False):
        """Return the entry's inputs, those of the constructor and of forward."""
        return self.info.module_inputs_func(
            self.info,
            device=self.device,
            dtype=self.dtype,
            requires_grad=requires_grad,
            training=self.training,
        )

    def errors(self):
        """Return the entry's inputs that must raise."""
        return self.info.module_error_inputs_func(
            self.info,
            device=self.device,
            dtype=self.dtype,
            requires_grad=False,
            training=self.training,
        )

    def build(self, module_input, cls=None, *, as_made=False, **more):
        """Return a module of `cls`, with other parameters and statistics than it is made with.

        Ones and zeros, with which most modules are made, hide errors. `as_made` keeps them.
        """
        arguments = module_input.constructor_input
        module = (cls or self.cls)(*arguments.args, **arguments.kwargs, **more)
        module.to(self.device).to(self.dtype)
        if self.info.is_lazy:
            forward(module.eval(), module_input)
        if not as_made:
            _randomise(module)
        return module.train(self.training)


def _randomise(module):
    with same_draws(), torch.no_grad():
        for tensor in (*module.parameters(), *module.buffers()):
            if tensor.is_floating_point():
                tensor.uniform_(0.5, 1.5)


def _op_cases(entries, database):
    return [
        OpCase(info, device, dtype, database)
        for info in entries
        for device in DEVICES
        for dtype in sorted(info.supported_dtypes(device), key=str)
        if not is_reexport(function_of(info)) or dtype in REEXPORT_DTYPES
    ]


def _module_cases(entries, database):
    return [
        ModuleCase(info, device, dtype, training, database)
        for info in entries
        for device in DEVICES
        for dtype in info.supported_dtypes(device)
        for training in ((True, False) if info.train_and_eval_differ else (True,))
    ]


OP_CASES = _op_cases(OP_ENTRIES, "op_db") + _op_cases(OWN_OP_ENTRIES, "our own")

MODULE_CASES = _module_cases(MODULE_ENTRIES, "module_db") + _module_cases(
    OWN_MODULE_ENTRIES, "our own"
)


def over(cases, condition=lambda _: True):
    """Parametrise a test over those cases that meet a condition, under their names."""
    chosen = [case for case in cases if condition(case)]
    return pytest.mark.parametrize("case", chosen, ids=lambda case: case.name)
