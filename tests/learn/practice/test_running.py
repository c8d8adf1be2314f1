"""A program's text runs as a script would, and leaves nothing behind."""

import random
import sys
import threading
import warnings

import numpy as np
import pytest
import torch

from wolfsbane.learn.practice.printing import MOST_CHARACTERS, heard_by
from wolfsbane.learn.practice.running import fresh_start, run


def test_a_program_is_main_and_prints():
    ran = run("import sys\nprint(__name__, __file__, sys.argv)\nprint('e', file=sys.stderr)\n")
    assert ran.output == "__main__ program.py ['program.py']\ne\n"
    assert ran.ended_well


def test_classes_of_a_program_are_found_in_main():
    program = (
        "import pickle, inspect\nclass Net:\n    pass\n"
        "print(type(pickle.loads(pickle.dumps(Net()))) is Net)\nprint(inspect.getsource(Net))\n"
    )
    assert run(program).output == "True\nclass Net:\n    pass\n\n"


def test_main_and_the_streams_are_put_back():
    before = (sys.modules["__main__"], sys.argv, sys.stdin, sys.stdout, sys.stderr)
    run("import sys\nsys.argv = None\nraise ValueError\n")
    after = (sys.modules["__main__"], sys.argv, sys.stdin, sys.stdout, sys.stderr)
    assert all(one is other for one, other in zip(before, after, strict=True))


def test_a_traceback_shows_the_programs_own_frames_with_line_and_caret():
    ran = run(
        "import torch\n\ndef add(a, b):\n    return a @ b\n\nadd(torch.ones(2), torch.ones(3))"
    )
    assert ran.error.splitlines()[:6] == [
        "Traceback (most recent call last):",
        '  File "program.py", line 6, in <module>',
        "    add(torch.ones(2), torch.ones(3))",
        '  File "program.py", line 4, in add',
        "    return a @ b",
        "           ~~^~~",
    ]
    assert ran.error.splitlines()[6].startswith("RuntimeError: ")
    assert ran.line == 4


def test_frames_of_torch_are_left_out():
    error = run("from torch import nn\nimport torch\nnn.Linear(2, 2)(torch.ones(3))\n").error
    assert "linear.py" not in error
    assert 'File "program.py", line 3' in error


def test_an_exception_raised_from_another_shows_both_without_foreign_frames():
    error = run(
        "import json\ntry:\n    json.loads('x')\nexcept ValueError as e:\n    1 / 0\n"
    ).error
    assert "JSONDecodeError" in error
    assert "ZeroDivisionError" in error
    assert "decoder.py" not in error


def test_an_error_of_syntax_is_an_error_of_the_program():
    ran = run("x = (\n")
    assert "SyntaxError: '(' was never closed" in ran.error
    assert ran.line == 1


@pytest.mark.parametrize(
    ("leave", "error"),
    [
        ("sys.exit()", ""),
        ("sys.exit(0)", ""),
        ("sys.exit('no data')", "SystemExit: no data"),
        ("sys.exit(3)", "SystemExit: 3"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("raise BaseException('all')", "BaseException: all"),
        ("input()", "EOFError: nobody can answer here"),
        ("print('\\ud800')", "UnicodeEncodeError"),
    ],
)
def test_every_way_to_leave_is_taken(leave, error):
    ran = run(f"import sys\nprint('before')\n{leave}\nprint('after')\n")
    assert ran.output == "before\n"
    assert error in ran.error
    assert ran.ended_well is (error == "")


def test_recursion_without_end_is_told_briefly():
    ran = run("def deeper():\n    return deeper()\n\ndeeper()\n")
    assert "RecursionError: maximum recursion depth exceeded" in ran.error
    assert len(ran.error.splitlines()) < 42


def test_an_exception_whose_words_cannot_be_had_is_named():
    ran = run(
        "class Odd(Exception):\n    def __str__(self):\n        raise ValueError\nraise Odd\n"
    )
    assert "Odd" in ran.error


def test_output_is_cut_and_the_program_stopped():
    ran = run(
        "while True:\n    try:\n        print('x' * 99)\n    except Exception:\n        pass\n"
    )
    assert len(ran.output) == MOST_CHARACTERS
    assert "printed more than is shown" in ran.error


def test_who_listens_hears_what_is_printed_when_it_is_printed():
    heard = []
    with heard_by(heard.append):
        run(
            "import threading\nprint('a')\nt = threading.Thread(target=print, args=('b',))\n"
            "t.start()\nt.join()"
        )
    assert "".join(heard) == "a\nb\n"
    run("print('c')")
    assert "".join(heard) == "a\nb\n"


def test_warnings_are_shown_as_a_script_shows_them():
    program = (
        "import warnings\nfor _ in range(2):\n    warnings.warn('odd rate')\n"
        "warnings.warn('old', DeprecationWarning)\nwarnings.warn('p', ResourceWarning)\n"
    )
    for _ in range(2):
        with fresh_start():
            output = run(program).output
        assert output.count("program.py:3: UserWarning: odd rate") == 1
        assert output.count("DeprecationWarning: old") == 1
        assert "ResourceWarning" not in output


def test_each_run_has_other_numbers_and_the_same_seed_the_same():
    program = (
        "import torch, random, numpy\nprint(torch.rand(1), random.random(), numpy.random.rand())"
    )
    outputs = []
    for seed in (None, None, 7, 7):
        with fresh_start(seed):
            outputs.append(run(program).output)
    assert outputs[0] != outputs[1]
    assert outputs[2] == outputs[3]


def test_what_a_program_changes_is_put_back():
    filters = list(warnings.filters)
    states = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    with fresh_start():
        run(
            "import torch, random, warnings\ntorch.manual_seed(0)\nrandom.seed(0)\n"
            "torch.set_default_dtype(torch.float64)\ntorch.set_grad_enabled(False)\n"
            "warnings.simplefilter('error')\n"
        )
    assert torch.get_default_dtype() == torch.float32
    assert torch.is_grad_enabled()
    assert warnings.filters == filters
    assert torch.equal(torch.get_rng_state(), states[0])
    assert random.getstate() == states[1]
    assert np.random.get_state()[1].tolist() == states[2]  # noqa: NPY002


def test_a_program_that_took_all_memory_lets_go_of_it():
    ran = run(
        "kept = [0]\ndef fill():\n    held = [1]\n    raise MemoryError('none left')\nfill()\n"
    )
    assert "MemoryError: none left" in ran.error
    assert "kept" not in ran.names


def test_threads_that_go_on_do_not_hold_a_program_up():
    ran = run(
        "import threading\nstop = threading.Event()\n"
        "t = threading.Thread(target=stop.wait)\nt.start()\n"
    )
    assert ran.names["t"].is_alive()
    ran.names["stop"].set()
    ran.names["t"].join()
    assert threading.current_thread() is threading.main_thread()


@pytest.mark.parametrize("asks", ["input('rate? ')", "import sys; sys.stdin.read()"])
def test_a_program_that_asks_is_told_that_nobody_can_answer(asks):
    ran = run(asks)
    assert "nobody can answer here: write the value into the program" in ran.error
    assert sys.stdin is not None
