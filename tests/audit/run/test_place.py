"""Lines of the user's."""

import torch

from wolfsbane.audit.run.place import current_place


def test_equal_code_in_two_files_has_two_places(tmp_path):
    files = [str(tmp_path / name) for name in ("one.py", "two.py")]
    text = "def there(place):\n    return place()\n"
    places = []
    for file in files:
        names = {}
        exec(compile(text, file, "exec"), names)
        places.append(names["there"](current_place))
    assert [place.file for place in places] == files
    assert [place.span.line for place in places] == [2, 2]


def test_a_line_that_torch_calls_is_the_users():
    seen = []
    torch.nn.Identity().apply(lambda _: seen.append(current_place()))
    assert seen[0].file == __file__
