import re

import pytest

from wolfsbane.errors import ArgumentError
from wolfsbane.learn.page.static_files import static_file, static_names

SCRIPTS = [name for name in static_names() if name.endswith(".js")]
STYLES = [name for name in static_names() if name.endswith(".css")]


def text(name):
    return static_file(name).content.decode()


def test_each_kind_of_file_has_its_media_type():
    assert static_file("lesson.js").media_type.startswith("text/javascript")
    assert static_file("text.css").media_type.startswith("text/css")
    assert static_file("flower.svg").media_type == "image/svg+xml"


@pytest.mark.parametrize(
    "name", ["", "other.js", "../render.py", "/etc/passwd", "static/lesson.js"]
)
def test_nothing_else_is_sent(name):
    with pytest.raises(ArgumentError, match="There are: "):
        static_file(name)


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_import_only_what_is_there_and_used(name):
    for names, source in re.findall(
        r'^import \{(.*?)\} from "(.*?)";', text(name), re.MULTILINE | re.DOTALL
    ):
        assert source.removeprefix("./") in static_names()
        exported = text(source.removeprefix("./"))
        for each in filter(None, map(str.strip, names.split(","))):
            assert re.search(rf"export (async )?(function|class|const) {each}\b", exported), each
            assert len(re.findall(rf"\b{each}\b", text(name))) > 1, each


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_make_no_markup_from_text_and_ask_nobody_else(name):
    forbidden = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|https?://(?!www\.w3\.org)"
    )
    assert not re.search(forbidden, text(name))


@pytest.mark.parametrize("name", STYLES)
def test_styles_load_nothing_and_name_colours_in_one_place(name):
    assert not re.search(r"url\(|@import", text(name))
    assert name == "colors.css" or not re.search(r"#[0-9a-fA-F]{3,8}\b(?=[;\s,)])", text(name))


def luminance(color):
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    """WCAG 2.2's contrast ratio."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_colours_are_told_apart(scheme):
    found = text("colors.css").split("@media")[scheme]
    colors = dict(re.findall(r"--([\w-]+): (#\w{6})", found))
    grounds = [colors[name] for name in ("paper", "soft", "raised", "code")]
    for name in ("ink", "muted", "accent", "good", "bad"):
        assert min(contrast(colors[name], ground) for ground in grounds) >= 4.5, name
    for name in ("edge", *(f"series-{i}" for i in range(8))):
        assert min(contrast(colors[name], ground) for ground in grounds) >= 3, name
    for name in ("accent", "good", "bad"):
        assert contrast(colors["ink"], colors[f"{name}-soft"]) >= 4.5, name
        assert contrast(colors[name], colors[f"{name}-soft"]) >= 4.5, name
    assert contrast(colors["on-accent"], colors["accent"]) >= 4.5
