"""The user's line, in a stack that runs and in one that was written down."""

import functools
import json
import sys
from pathlib import Path

import torch

from wolfsbane.audit.finding import Place, Span
from wolfsbane.audit.lines import is_users, place_in_text, place_of_caller, place_of_error

TORCH = Path(torch.__file__).parent


def test_the_innermost_line_that_is_not_torchs_is_the_users(tmp_path):
    program = tmp_path / "net.py"
    program.write_text("\n    return self.drop(x)\n", encoding="utf-8")
    stack = (
        'File "train.py", line 9, in main\n    net(x)\n'
        f'  File "{program}", line 2, in forward\n    return self.drop(x)\n'
        f'  File "{TORCH}/nn/modules/dropout.py", line 3, in forward\n    return F.dropout(x)'
    )
    expected = Place(str(program), Span(2, 5, 2, 24), module="drop")
    assert place_in_text(stack, "drop") == expected


def test_a_stack_of_torch_alone_leads_to_the_module():
    stack = f'File "{TORCH}/nn/modules/container.py", line 3, in forward\n    input = module(input)'
    assert place_in_text(stack, "0") == place_in_text(None, "0") == Place(module="0")


def test_a_running_line_has_the_columns_of_its_call():
    _, found = "ä", place_of_caller("fc")
    line = sys._getframe().f_lineno - 1
    assert found == Place(__file__, Span(line, 21, line, 42), module="fc")


def test_a_line_reached_through_python_itself_is_the_users():
    place = functools.partial(place_of_caller)()
    assert place.file == __file__


def test_an_errors_line_is_the_users_innermost():
    try:
        _, line = json.loads("ä"), 0
    except ValueError as error:
        line = sys._getframe().f_lineno - 2
        found = place_of_error(error.__traceback__)
    assert found == Place(__file__, Span(line, 19, line, 34))


def test_torch_python_and_this_library_are_not_the_users():
    assert not any(
        map(is_users, [torch.__file__, json.__file__, place_of_error.__code__.co_filename])
    )
    assert is_users(__file__)
    assert is_users(str(TORCH.parent / "timm" / "layers" / "drop.py"))


def test_equal_code_in_two_files_has_two_places(tmp_path):
    files = [str(tmp_path / name) for name in ("one.py", "two.py")]
    text = "def there(place):\n    return place()\n"
    places = []
    for file in files:
        names = {}
        exec(compile(text, file, "exec"), names)
        places.append(names["there"](place_of_caller))
    assert [place.file for place in places] == files
    assert [place.span.line for place in places] == [2, 2]
