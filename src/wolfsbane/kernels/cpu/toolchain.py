"""From a kernel's source to machine code: Numba makes LLVM's IR, LLVM makes object code of it.

Loading object code needs LLVM alone, so a process whose kernels are in the cache never imports
Numba, which would cost it more time than all its kernels.
"""

import importlib
import re
from typing import Any

from llvmlite import binding

ENTRY = "wolfsbane_kernel"
"""Symbol of a kernel in its object code: a C function of one pointer, to the arguments."""

# Numba's convention: a status is returned, and a result and an exception are written to two
# pointers. A kernel has no result and raises nothing.
_ENTRY_IR = """
define void @wolfsbane_kernel(ptr %args) {
  %result = alloca ptr
  %exception = alloca ptr
  %address = ptrtoint ptr %args to i64
  %status = call i32 @"{function}"(ptr %result, ptr %exception, i64 %address)
  ret void
}
"""


def compile_kernel(module: str, parameters: tuple[Any, ...]) -> bytes:
    """Return the object code of `build(*parameters)` of a module in `source`."""
    from numba import njit, types  # noqa: PLC0415  # only where something is compiled

    source = importlib.import_module(f"wolfsbane.kernels.cpu.source.{module}")
    options = {**source.COMPILED, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    compiled = njit(types.void(types.int64), **options)(source.build(*parameters))
    (intermediate,) = compiled.inspect_llvm().values()
    function = _defined_function(intermediate)
    module = _tidied(intermediate + _ENTRY_IR.replace("{function}", function))
    return bytes(_target_machine().emit_object(module))


def _defined_function(intermediate: str) -> str:
    """Return the name of the one function that others could link to."""
    names = re.findall(r'^define (?!linkonce_odr )[^@]*@"?([^"(]+)"?\(', intermediate, re.MULTILINE)
    (name,) = names
    return str(name)


def _tidied(text: str) -> Any:
    """Parse IR, and leave out what the entry does not reach."""
    module = binding.parse_assembly(text)
    for item in module.functions:
        if not item.is_declaration and item.name != ENTRY:
            item.linkage = "internal"
    builder = binding.create_pass_builder(
        _target_machine(), binding.create_pipeline_tuning_options(speed_level=3)
    )
    passes = binding.create_new_module_pass_manager()
    passes.add_global_dead_code_eliminate_pass()
    passes.run(module, builder)
    return module


def _target_machine() -> Any:
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    return binding.Target.from_default_triple().create_target_machine(
        cpu=binding.get_host_cpu_name(),
        features=binding.get_host_cpu_features().flatten(),
        opt=3,
        codemodel="jitdefault",
        jit=True,
    )


def load(code: bytes) -> tuple[Any, int]:
    """Return what keeps the code in memory, and the address of its entry."""
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), _target_machine())
    engine.add_object_file(binding.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return engine, int(engine.get_function_address(ENTRY))
