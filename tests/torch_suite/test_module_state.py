"""PyTorch's test_modules.py over our classes: construction, conversion, copies, state."""

import contextlib
import copy
import io
import pickle

import pytest
import torch

from torch_suite.applicability import Tolerance, tolerance
from torch_suite.cases import MODULE_CASES, over
from torch_suite.runs import forward

EXACT = Tolerance()


def state_of(module):
    return [*module.parameters(), *module.buffers()]


def floating_state(module):
    return [tensor for tensor in state_of(module) if tensor.is_floating_point()]


@contextlib.contextmanager
def swapping(swap):
    """Let Module.to exchange parameters for new tensors, or only their data."""
    before = torch.__future__.get_swap_module_params_on_conversion()
    torch.__future__.set_swap_module_params_on_conversion(swap)
    yield
    torch.__future__.set_swap_module_params_on_conversion(before)


def construct(module_input, cls, **more):
    arguments = module_input.constructor_input
    return cls(*arguments.args, **arguments.kwargs, **more)


def materialised(case, module, module_input):
    """Return the module; a lazy one after it has seen an input, in evaluation."""
    if case.info.is_lazy:
        forward(module.eval(), module_input)
    return module.train(case.training)


@over(MODULE_CASES, lambda case: case.factory_arguments)
def test_constructor_puts_parameters_and_buffers_on_the_device_and_dtype_asked_for(case):
    """TestModule.test_factory_kwargs."""
    tolerance(case, "TestModule.test_factory_kwargs")
    for module_input in case.inputs():
        module = construct(module_input, case.cls, **case.factory_arguments)
        module = materialised(case, module, module_input)
        assert all(tensor.device.type == case.device for tensor in state_of(module))
        assert all(tensor.dtype is case.dtype for tensor in floating_state(module))


@over(MODULE_CASES, lambda case: not case.factory_arguments)
def test_constructor_without_a_dtype_makes_no_tensors(case):
    """TestModule.test_factory_kwargs, for the classes that take neither device nor dtype."""
    for module_input in case.inputs():
        assert state_of(construct(module_input, case.cls)) == []


@over(MODULE_CASES, lambda case: case.factory_arguments and not case.info.is_lazy)
def test_constructor_makes_no_data_on_the_meta_device(case):
    """TestModule.test_factory_kwargs and TestModule.test_device_ctx_init."""
    tolerance(case, "TestModule.test_factory_kwargs")
    for module_input in case.inputs():
        asked = construct(module_input, case.cls, device="meta", dtype=case.dtype)
        with torch.device("meta"):
            in_context = construct(module_input, case.cls)
        for module in (asked, in_context):
            assert all(tensor.is_meta for tensor in state_of(module))
        assert [t.shape for t in state_of(asked)] == [t.shape for t in state_of(in_context)]


@over(MODULE_CASES, lambda case: not case.info.is_lazy)
def test_output_on_the_meta_device_has_the_shape_and_dtype_of_the_real_one(case):
    for module_input in case.inputs():
        module = case.build(module_input)
        if getattr(module, "momentum", 0) is None:
            continue  # a plain average reads its count: torch's, too, needs data
        expected = forward(module, module_input)
        arguments = [tensor.to("meta") for tensor in module_input.forward_input.args]
        arguments += [tensor.to("meta") for tensor in module_input.forward_input.kwargs.values()]
        output = module.to("meta")(*arguments)
        assert output.is_meta
        assert (output.shape, output.dtype) == (expected.shape, expected.dtype)


@over(MODULE_CASES, lambda case: case.training)
def test_to_empty_keeps_shapes_dtypes_and_parameters_identity(case):
    """TestModule.test_to_empty."""
    tolerance(case, "TestModule.test_to_empty")
    for module_input in case.inputs():
        module = case.build(module_input)
        before = [(tensor.shape, tensor.dtype) for tensor in state_of(module)]
        parameters = list(map(id, module.parameters()))
        module.to_empty(device=case.device)
        assert [(tensor.shape, tensor.dtype) for tensor in state_of(module)] == before
        assert list(map(id, module.parameters())) == parameters
        moved = case.build(module_input).to_empty(device="meta")
        assert all(tensor.is_meta for tensor in state_of(moved))


@over(MODULE_CASES, lambda case: case.dtype is torch.float32)
@pytest.mark.parametrize("swap", [False, True], ids=["set_data", "swap_tensors"])
def test_to_converts_floating_point_state_and_keeps_values(case, swap):
    """TestModule.test_to."""
    tolerance(case, "TestModule.test_to")
    for module_input in case.inputs():
        module = case.build(module_input)
        values = [tensor.clone() for tensor in state_of(module)]
        parameters = list(map(id, module.parameters()))
        with swapping(swap):
            module.to(torch.float64)
            assert all(tensor.dtype is torch.float64 for tensor in floating_state(module))
            module.to(torch.float32)
        assert list(map(id, module.parameters())) == parameters
        EXACT.assert_close(state_of(module), values)


@over(MODULE_CASES, lambda case: case.training)
def test_repr_names_the_class_as_torch_does(case):
    """TestModule.test_repr."""
    tolerance(case, "TestModule.test_repr")
    for module_input in case.inputs():
        module = construct(module_input, case.cls)
        assert repr(module) == str(module)
        assert repr(module).startswith(f"{case.cls.__name__}(")
        if case.torch_cls is not None:
            assert repr(module) == repr(construct(module_input, case.torch_cls))


def _pickled(module):
    return pickle.loads(pickle.dumps(module))


def _saved(module):
    file = io.BytesIO()
    torch.save(module, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


@over(MODULE_CASES)
@pytest.mark.parametrize("copied", [_pickled, _saved, copy.deepcopy], ids=lambda f: f.__name__)
def test_copy_has_the_same_state_mode_and_output(case, copied):
    """TestModule.test_pickle and TestModule.test_save_load."""
    tolerance(case, "TestModule.test_pickle")
    tolerance(case, "TestModule.test_save_load")
    for module_input in case.inputs():
        module = case.build(module_input)
        other = copied(module)
        assert type(other) is type(module)
        assert other.training == module.training
        EXACT.assert_close(state_of(other), state_of(module))
        EXACT.assert_close(forward(other, module_input), forward(module, module_input))
        EXACT.assert_close(state_of(other), state_of(module))


@over(MODULE_CASES, lambda case: case.is_ours and case.torch_cls)
def test_state_dict_is_torchs_and_loads_both_ways(case):
    for module_input in case.inputs():
        ours, theirs = case.build(module_input), case.build(module_input, cls=case.torch_cls)
        assert list(ours.state_dict()) == list(theirs.state_dict())
        assert ours.state_dict()._metadata == theirs.state_dict()._metadata
        for source, target in ((ours, theirs), (theirs, ours)):
            _scale_state(source)
            assert (
                str(target.load_state_dict(source.state_dict()))
                == "<All keys matched successfully>"
            )
            EXACT.assert_close(state_of(target), state_of(source))
            outputs = [forward(module.eval(), module_input) for module in (target, source)]
            EXACT.assert_close(*outputs)


def _scale_state(module):
    with torch.no_grad():
        for tensor in state_of(module):
            tensor.mul_(2)


@over(MODULE_CASES, lambda case: case.is_ours and case.torch_cls)
def test_state_dict_of_an_unseen_module_is_torchs(case):
    for module_input in case.inputs():
        ours = construct(module_input, case.cls, **case.factory_arguments)
        theirs = construct(module_input, case.torch_cls, **case.factory_arguments)
        assert list(ours.state_dict()) == list(theirs.state_dict())
        if not case.info.is_lazy:  # what is not there yet has no values
            EXACT.assert_close(state_of(ours), state_of(theirs))
        theirs.load_state_dict(ours.state_dict())
        ours.load_state_dict(theirs.state_dict())
