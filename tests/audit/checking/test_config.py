import pytest

from wolfsbane.audit.checking.config import EXCLUDED, Config, find_config, read_config
from wolfsbane.errors import ArgumentError


def _project(folder, text):
    file = folder / "pyproject.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_every_setting_is_read(tmp_path):
    file = _project(
        tmp_path,
        """
        [tool.wolfsbane]
        select = ["WB1"]
        ignore = ["WB101"]
        extend-select = ["WB101"]
        exclude = ["old"]
        extend-exclude = ["older"]
        baseline = "known.json"
        respect-gitignore = false
        [tool.wolfsbane.per-file-ignores]
        "tests/*" = ["WB101"]
        """,
    )
    assert read_config(file) == Config(
        root=tmp_path,
        select=("WB1",),
        ignore=("WB101",),
        extend_select=("WB101",),
        exclude=("old",),
        extend_exclude=("older",),
        per_file_ignores=(("tests/*", ("WB101",)),),
        baseline=tmp_path / "known.json",
        respect_gitignore=False,
    )


def test_the_nearest_file_with_settings_counts(tmp_path):
    _project(tmp_path, '[tool.wolfsbane]\nignore = ["WB101"]\n')
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    _project(inner, "[project]\nname = 'without settings'\n")
    assert find_config([inner / "net.py"]).ignore == ("WB101",)
    assert find_config([inner / "net.py", tmp_path / "other"]).root == tmp_path
    _project(inner, "[tool.wolfsbane]\nignore = []\n")
    assert find_config([inner]).root == inner


def test_a_file_of_another_name_may_hold_the_settings_alone(tmp_path):
    file = tmp_path / "wolfsbane.toml"
    file.write_text('select = ["WB101"]\n', encoding="utf-8")
    assert read_config(file).select == ("WB101",)


def test_without_settings_all_is_as_usual(tmp_path):
    config = read_config(_project(tmp_path, "[project]\nname = 'a'\n"))
    assert config == Config(root=config.root)
    assert config.exclude == EXCLUDED


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("exlude = ['a']", r"no setting 'exlude'; perhaps exclude is meant"),
        ("jobs = 4", r"no setting 'jobs'; known are select, ignore, "),
        ("select = 'WB1'", r"tool\.wolfsbane\.select has to be a list of codes.*but is 'WB1'"),
        ("ignore = [1]", r"tool\.wolfsbane\.ignore has to be a list of codes.*but is \[1\]"),
        ("exclude = {}", r"tool\.wolfsbane\.exclude has to be a list of patterns"),
        ("baseline = true", r"tool\.wolfsbane\.baseline has to be a path"),
        ("respect-gitignore = 1", r"respect-gitignore has to be true or false, but is 1"),
        ("per-file-ignores = ['a']", r"per-file-ignores has to be a table of codes by pattern"),
        ("per-file-ignores = {a = 'WB1'}", r"per-file-ignores has to be a table of codes"),
        ("select = ['WB777']", r"tool\.wolfsbane: no rule is called 'WB777'"),
        ("per-file-ignores = {a = ['WB777']}", r"no rule is called 'WB777'"),
    ],
)
def test_a_wrong_setting_is_named(text, message, tmp_path):
    with pytest.raises(ArgumentError, match=message) as caught:
        read_config(_project(tmp_path, f"[tool.wolfsbane]\n{text}\n"))
    assert str(tmp_path / "pyproject.toml") in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [("[tool", "is not TOML"), ("[tool]\nwolfsbane = 3", "has to be a table")],
)
def test_a_file_that_is_no_settings_is_named(text, message, tmp_path):
    with pytest.raises(ArgumentError, match=message):
        find_config([_project(tmp_path, text).parent])


def test_the_command_line_wins():
    file = Config(select=("WB2",), ignore=("WB101",), extend_select=("WB9",), exclude=("a",))
    config = file.with_options(select=["WB101"], exclude=["b"])
    assert (config.select, config.ignore, config.extend_select) == (("WB101",), (), ())
    assert config.exclude == ("b",)
    assert [rule.code for rule in config.rules()] == ["WB101"]
    config = file.with_options(ignore=["WB1"], extend_select=["WB101"])
    assert (config.ignore, config.extend_select) == (("WB1",), ("WB9", "WB101"))


def test_extended_rules_are_on_besides_the_usual_ones():
    usual = set(Config().rules())
    assert set(Config(extend_select=("WB101",)).rules()) == usual
    assert not Config(ignore=("WB",)).rules()
    only = Config(ignore=("WB",), extend_select=("WB101",)).rules()
    assert [rule.code for rule in only] == ["WB101"]
