"""[tool.wolfsbane]: which rules are on, which files are looked at."""

import dataclasses
import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wolfsbane.audit.checking.fingerprint import absolute
from wolfsbane.audit.checking.globs import Globs
from wolfsbane.audit.registry import select
from wolfsbane.audit.rule import Rule
from wolfsbane.errors import ArgumentError, WolfsbaneError

EXCLUDED = (
    ".bzr", ".direnv", ".eggs", ".git", ".git-rewrite", ".hg", ".ipynb_checkpoints", ".mypy_cache",
    ".nox", ".pants.d", ".pyenv", ".pytest_cache", ".pytype", ".ruff_cache", ".svn", ".tox",
    ".venv", ".vscode", "__pycache__", "__pypackages__", "_build", "buck-out", "dist",
    "node_modules", "site-packages", "venv",
)  # fmt: skip
"""Folders that are left out: ruff's, and __pycache__."""


@dataclass(frozen=True)
class Config:
    """What a project has settled.

    Args:
        root: the folder of the file that says so; patterns and paths in it begin here.
        select: codes that are on; empty is all but opinions.
        ignore: codes that are off.
        extend_select: codes that are on as well.
        exclude: patterns of what is left out.
        extend_exclude: further ones.
        per_file_ignores: codes that are off in files that fit a pattern.
        baseline: file of findings that are known.
        respect_gitignore: whether what git ignores is left out.
    """

    root: Path = field(default_factory=Path.cwd)
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = EXCLUDED
    extend_exclude: tuple[str, ...] = ()
    per_file_ignores: tuple[tuple[str, tuple[str, ...]], ...] = ()
    baseline: Path | None = None
    respect_gitignore: bool = True

    def rules(self) -> tuple[type[Rule], ...]:
        """Return the rules that are on.

        Raises:
            ArgumentError: a code names no rule.
        """
        on = set(select(self.select, self.ignore))
        if self.extend_select:
            on.update(select(self.extend_select, self.ignore))
        return tuple(sorted(on, key=lambda rule: rule.code))

    def excluded(self) -> Globs:
        """Return what is left out."""
        return Globs((*self.exclude, *self.extend_exclude), self.root)

    def ignores(self) -> tuple[tuple[Globs, tuple[str, ...]], ...]:
        """Return what is off in which files, as full codes.

        Raises:
            ArgumentError: a code names no rule.
        """
        return tuple(
            (Globs([pattern], self.root), tuple(rule.code for rule in select(codes)))
            for pattern, codes in self.per_file_ignores
        )

    def with_options(
        self,
        select: Iterable[str] | None = None,
        ignore: Iterable[str] | None = None,
        extend_select: Iterable[str] | None = None,
        exclude: Iterable[str] | None = None,
        baseline: Path | None = None,
    ) -> "Config":
        """Return this with the command line's options, which win.

        `select` sets aside all that the file says about which rules are on.
        """
        base = self
        if select:
            base = dataclasses.replace(self, select=tuple(select), ignore=(), extend_select=())
        return dataclasses.replace(
            base,
            ignore=tuple(ignore) if ignore else base.ignore,
            extend_select=(*base.extend_select, *(extend_select or ())),
            exclude=tuple(exclude) if exclude else base.exclude,
            baseline=baseline or base.baseline,
        )


def find_config(paths: Iterable[Path]) -> Config:
    """Return the settings of the nearest pyproject.toml with [tool.wolfsbane].

    It is looked for in the folder that all paths are in, then in those above it.

    Raises:
        ArgumentError: a setting is unknown, or of the wrong type.
    """
    common = _common_folder([absolute(path) for path in paths] or [Path.cwd()])
    for folder in (common, *common.parents):
        file = folder / "pyproject.toml"
        if file.is_file() and (table := _table_in(file)) is not None:
            return _config(table, file)
    return Config()


def read_config(file: Path) -> Config:
    """Return the settings of a file: its [tool.wolfsbane], or all of it where it has none.

    Raises:
        ArgumentError: it is no TOML, or a setting is unknown or of the wrong type.
        OSError: it cannot be read.
    """
    table = _table_in(file)
    if table is None:
        table = {} if file.name == "pyproject.toml" else _toml(file)
    return _config(table, file)


def _common_folder(paths: list[Path]) -> Path:
    folders = [path if path.is_dir() else path.parent for path in paths]
    first, *others = folders
    candidates = (first, *first.parents)
    return next(
        (one for one in candidates if all(other.is_relative_to(one) for other in others)), first
    )


def _toml(file: Path) -> dict[str, object]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ArgumentError(f"{file} is not TOML: {error}") from error


def _table_in(file: Path) -> Mapping[str, object] | None:
    tool = _toml(file).get("tool")
    if not isinstance(tool, dict) or "wolfsbane" not in tool:
        return None
    table = tool["wolfsbane"]
    if not isinstance(table, dict):
        raise ArgumentError(f"{file}: tool.wolfsbane has to be a table: [tool.wolfsbane]")
    return table


def _config(table: Mapping[str, object], file: Path) -> Config:
    settings: dict[str, object] = {"root": absolute(file).parent}
    for key, value in table.items():
        if key not in READERS:
            near = difflib.get_close_matches(key, READERS, n=1)
            meant = f"perhaps {near[0]} is meant" if near else f"known are {', '.join(READERS)}"
            raise ArgumentError(f"{file}: tool.wolfsbane has no setting {key!r}; {meant}")
        expected, read = READERS[key]
        try:
            settings[key.replace("-", "_")] = read(value, file)
        except TypeError as error:
            message = f"{file}: tool.wolfsbane.{key} has to be {expected}, but is {value!r}"
            raise ArgumentError(message) from error
    config = Config(**settings)  # type: ignore[arg-type]  # each reader returns its field's type
    try:
        config.rules()
        config.ignores()
    except WolfsbaneError as error:
        raise ArgumentError(f"{file}: tool.wolfsbane: {error}") from error
    return config


def _texts(value: object, _file: Path) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise TypeError
    return tuple(value)


def _ignores(value: object, file: Path) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if not isinstance(value, dict):
        raise TypeError
    return tuple((pattern, _texts(codes, file)) for pattern, codes in value.items())


def _path(value: object, file: Path) -> Path:
    if not isinstance(value, str):
        raise TypeError
    return absolute(file).parent / value


def _bool(value: object, _file: Path) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


CODES = 'a list of codes, such as ["WB1", "WB201"]'
PATTERNS = 'a list of patterns, such as ["data", "src/old/*.py"]'
READERS = {
    "select": (CODES, _texts),
    "ignore": (CODES, _texts),
    "extend-select": (CODES, _texts),
    "exclude": (PATTERNS, _texts),
    "extend-exclude": (PATTERNS, _texts),
    "per-file-ignores": ('a table of codes by pattern, such as {"tests/*" = ["WB101"]}', _ignores),
    "baseline": ('a path, such as "wolfsbane.json"', _path),
    "respect-gitignore": ("true or false", _bool),
}
"""What each setting has to be, and what reads it."""
