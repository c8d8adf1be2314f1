"""Tables: CSV files with a header, numbers in every column but the target."""

import csv
import gzip
import math
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import torch

from wolfsbane.errors import DataError
from wolfsbane.experiment.data.examples import Examples, Pool, check_labels

HEADER_LINES = 1

Row = tuple[int, list[str]]
"""A line number in the file, and that line's cells."""


def load_table(path: Path, target: str | None = None, name: str | None = None) -> Pool:
    """Read a CSV file (or .csv.gz): one header line, numeric columns, one target column."""
    try:
        with _open(path) as file:
            header, rows = _read(file, path)
    except UnicodeDecodeError as error:
        raise DataError(f"cannot read {path}: it is not UTF-8 text. Save it as UTF-8") from error
    except (OSError, EOFError, zlib.error, csv.Error) as error:
        raise DataError(f"cannot read {path}: {error}") from error
    column = _target_column(header, target, path)
    labels = [row[column].strip() for _, row in rows]
    for (line, _), label in zip(rows, labels, strict=True):
        if label == "" or label.lower() in {"nan", "inf", "-inf", "na", "null"}:
            raise DataError(f"{path}: target column {header[column]!r}, line {line}: no label")
    features = [index for index in range(len(header)) if index != column]
    x = torch.tensor(
        [
            [_number(row[index], header[index], line, path) for index in features]
            for line, row in rows
        ],
        dtype=torch.float64,
    )
    classes = _class_names(labels)
    number = {label: index for index, label in enumerate(classes)}
    y = torch.tensor([number[label] for label in labels])
    check_labels(y, classes, f"{path}, target column {header[column]!r}")
    return Pool(name or path.name.split(".")[0], "table", Examples(x, y), classes)


def _open(path: Path) -> TextIO:
    if path.suffix.lower() == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _read(file: TextIO, path: Path) -> tuple[list[str], list[Row]]:
    header = [name.strip() for name in next(csv.reader(file), [])]
    if len(header) < 2:  # noqa: PLR2004
        separators = {";": "semicolons", "\t": "tabs", "|": "bars"}
        used = next((word for mark, word in separators.items() if mark in "".join(header)), None)
        raise DataError(
            f"{path}: expected a header line with two comma-separated columns or more, but found "
            f"{len(header)}" + (f". It has {used}: save it with commas" if used else "")
        )
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise DataError(f"{path}: two columns are called {twice[0]!r}. Rename or remove one")
    rows = list(_complete_rows(file, len(header), path))
    if not rows:
        raise DataError(f"{path}: a header and no rows")
    return header, rows


def _complete_rows(file: TextIO, num_columns: int, path: Path) -> Iterator[Row]:
    reader = csv.reader(file)
    for row in reader:
        line = reader.line_num + HEADER_LINES
        if len(row) == num_columns:
            yield line, row
        elif row:
            raise DataError(
                f"{path}: line {line} has {len(row)} columns, but the header has {num_columns}"
            )


def _target_column(header: list[str], target: str | None, path: Path) -> int:
    if target is None:
        return len(header) - 1
    if target not in header:
        raise DataError(
            f"{path} has no column {target!r}. It has: {', '.join(header[:20])}"
            + (f" and {len(header) - 20} more" if len(header) > 20 else "")  # noqa: PLR2004
        )
    return header.index(target)


def _number(cell: str, column: str, line: int, path: Path) -> float:
    where = f"{path}: column {column!r}, line {line}"
    try:
        value = float(cell)
    except ValueError:
        shown = "an empty cell" if not cell.strip() else repr(cell)
        raise DataError(
            f"{where}: expected a number, but found {shown}. Every column but the target has to "
            "be numeric: encode it (one 0/1 column per category) or leave it out"
        ) from None
    if not math.isfinite(value) or abs(value) > torch.finfo(torch.float32).max:
        raise DataError(f"{where}: {cell.strip()} is not a finite float32. Fill it in or drop it")
    return value


def _class_names(labels: list[str]) -> tuple[str, ...]:
    """Return the distinct labels, in numeric order where they are numbers."""
    distinct = set(labels)
    try:
        return tuple(sorted(distinct, key=lambda label: (float(label), label)))
    except ValueError:
        return tuple(sorted(distinct))
