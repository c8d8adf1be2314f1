"""When calls are routed, and that nothing of it stays behind."""

import gc
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import wolfsbane
from wolfsbane import accelerate
from wolfsbane.acceleration import dispatcher, switch
from wolfsbane.errors import ArgumentTypeError
from wolfsbane.mask import draw_key, keep_mask

X = torch.ones(64, 256)


def is_on():
    """Return whether a dropout takes its mask from the contract."""
    with torch.random.fork_rng(devices=[]):
        key = draw_key()
    return torch.equal(F.dropout(X, 0.5) != 0, keep_mask(X.shape, 0.5, key))


def in_a_thread(function):
    result = []
    thread = threading.Thread(target=lambda: result.append(function()))
    thread.start()
    thread.join()
    return result[0]


def in_a_process(code):
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )


def test_a_block_routes_and_nothing_outside_it():
    assert not is_on()
    with accelerate():
        assert is_on()
    assert not is_on()


def test_building_the_context_manager_alone_routes_nothing():
    accelerate()
    assert not is_on()


def test_true_routes_at_once_and_false_takes_it_back():
    accelerate(True)
    assert is_on()
    accelerate(False)
    assert not is_on()


def test_true_twice_is_taken_back_by_one_false():
    accelerate(True)
    accelerate(True)
    accelerate(False)
    assert not is_on()


def test_false_alone_does_nothing():
    accelerate(False)
    assert not is_on()


def test_true_and_false_as_blocks_are_undone_at_their_end():
    with accelerate(True):
        assert is_on()
        with accelerate(False):
            assert not is_on()
        assert is_on()
    assert not is_on()


def test_a_block_of_false_ends_with_routing_where_it_was_on():
    accelerate(True)
    with accelerate(False):
        assert not is_on()
    assert is_on()
    accelerate(False)


def test_false_does_not_close_an_open_block():
    with accelerate():
        accelerate(False)
        assert is_on()
    assert not is_on()


def test_true_inside_a_block_outlives_it():
    with accelerate():
        accelerate(True)
    assert is_on()
    accelerate(False)
    assert not is_on()


def test_leaving_an_inner_block_leaves_the_outer_open():
    with accelerate():
        with accelerate():
            assert is_on()
        assert is_on()
    assert not is_on()


def test_one_context_manager_may_be_used_again_and_nested():
    block = accelerate()
    for _ in range(2):
        with block:
            with block:
                assert is_on()
            assert is_on()
        assert not is_on()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_exception_inside_leaves_cleanly(error):
    with pytest.raises(error), accelerate():
        raise error
    assert not is_on()


def test_an_error_of_a_routed_call_leaves_cleanly():
    leaf = torch.ones(64, 256, requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf"), accelerate():
        torch.dropout_(leaf, 0.5, True)
    assert not is_on()


def test_calls_of_other_threads_are_routed_too():
    assert not in_a_thread(is_on)
    with accelerate():
        assert in_a_thread(is_on)
    assert not in_a_thread(is_on)


def test_blocks_of_several_threads_end_with_the_last():
    entered, leave = threading.Event(), threading.Event()

    def hold():
        with accelerate():
            entered.set()
            leave.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    entered.wait(60)
    with accelerate():
        pass
    assert is_on()
    leave.set()
    thread.join()
    assert not is_on()


def test_many_threads_may_open_and_close_at_once():
    def open_and_close():
        for _ in range(20):
            with accelerate():
                assert is_on_whatever_others_draw()

    def is_on_whatever_others_draw():
        y = F.dropout(X, 0.5, training=True)
        return y.shape == X.shape

    failures = []

    def guarded():
        try:
            open_and_close()
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=guarded) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert not is_on()


def test_switching_while_others_compute_frees_nothing_under_them():
    # Without kernels kept after their removal, this crashed within seconds.
    small, stop = torch.ones(8), threading.Event()

    def compute():
        while not stop.is_set():
            torch.dropout(small, 0.5, False)

    threads = [threading.Thread(target=compute) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(500):
        with accelerate():
            pass
    stop.set()
    for thread in threads:
        thread.join()
    assert not is_on()


def test_leaving_gives_the_dispatcher_its_own_tables_back(operators):
    def tables():
        return [
            (
                torch._C._dispatch_dump(operator.name()),
                torch._C._dispatch_dump_table(operator.name()),
            )
            for operator in sorted(operators, key=str)
        ]

    before = tables()
    with accelerate():
        assert all(a != b for a, b in zip(before, tables(), strict=True))
    assert tables() == before


def everything():
    """Return outputs, gradients and the generator's state of a model in training."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 16, 3),
        torch.nn.BatchNorm2d(16),
        torch.nn.Dropout2d(0.3),
        torch.nn.Flatten(),
        torch.nn.Dropout(0.3),
        torch.nn.AlphaDropout(0.1),
        torch.nn.FeatureAlphaDropout(0.1),
    )
    x = torch.randn(8, 3, 32, 32, requires_grad=True)
    y = model(x)
    y.square().mean().backward()
    state = list(model.state_dict().values())
    return [y, x.grad, *state, torch.get_rng_state()]


def test_leaving_restores_the_same_numbers_for_the_same_seed():
    before = everything()
    with accelerate():
        inside = everything()
    after = everything()
    assert not torch.equal(inside[0], before[0])
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_a_seed_decides_the_numbers_inside():
    with accelerate():
        first, second = everything(), everything()
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_a_thousand_blocks_leave_nothing_behind():
    with accelerate():
        num_overrides = len(switch._PROCESS._overrides._overrides)

    def open_and_close(times):
        for _ in range(times):
            with accelerate():
                pass

    registered = set(torch.library._impls)
    # Until the kernels kept for late threads are as many as ever.
    open_and_close(dispatcher.RETIRED_KERNELS // num_overrides + 1)
    gc.collect()
    num_objects = len(gc.get_objects())
    open_and_close(1000)
    gc.collect()
    assert len(gc.get_objects()) - num_objects < 100
    assert len(dispatcher._retired) <= dispatcher.RETIRED_KERNELS
    assert torch.library._impls == registered


def test_where_torch_refuses_an_override_nothing_is_routed(monkeypatch, operators):
    impl = torch.library.Library.impl

    def refuse_the_last(self, operator, *args, **kwargs):
        if operator is torch.ops.aten.native_batch_norm_backward.default:
            raise RuntimeError("refused")
        return impl(self, operator, *args, **kwargs)

    monkeypatch.setattr(torch.library.Library, "impl", refuse_the_last)
    before = [torch._C._dispatch_dump(operator.name()) for operator in operators]
    with pytest.raises(RuntimeError, match="refused"):
        accelerate(True)
    with pytest.raises(RuntimeError, match="refused"), accelerate():
        pass
    assert [torch._C._dispatch_dump(operator.name()) for operator in operators] == before
    monkeypatch.undo()
    with accelerate():
        assert is_on()
    assert not is_on()


@pytest.mark.parametrize("wrong", [1, 0, "on", np.True_, torch.nn.Linear(1, 1), lambda: None])
def test_what_is_no_switch_is_refused_with_advice(wrong):
    with pytest.raises(ArgumentTypeError, match=r"takes True, False or nothing, but got .*with"):
        accelerate(wrong)
    assert not is_on()


def test_a_process_that_ends_while_routed_says_nothing():
    done = in_a_process(
        "import wolfsbane, torch\nwolfsbane.accelerate(True)\n"
        "torch.dropout(torch.ones(64, 256), 0.5, True)"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    "imports",
    [
        "import wolfsbane",
        "import wolfsbane, wolfsbane.acceleration",
        "import wolfsbane.acceleration, wolfsbane",
        "from wolfsbane import acceleration; import wolfsbane",
        "from wolfsbane.acceleration import accelerate; import wolfsbane",
        "from wolfsbane import accelerate; import wolfsbane, wolfsbane.acceleration.switch",
        "from wolfsbane import accelerate as f; import wolfsbane; f is wolfsbane.accelerate or 1/0",
    ],
)
def test_the_public_name_is_the_function_in_every_order_of_imports(imports):
    done = in_a_process(f"{imports}\nwith wolfsbane.accelerate(): pass")
    assert (done.returncode, done.stderr) == (0, "")


def test_the_function_is_among_the_public_names():
    assert "accelerate" in wolfsbane.__all__


def test_importing_it_does_not_import_the_compiler():
    done = in_a_process(
        "import sys, wolfsbane\nwith wolfsbane.accelerate(): pass\n"
        "assert 'torch._dynamo' not in sys.modules"
    )
    assert (done.returncode, done.stderr) == (0, "")
