"""CSV files: what is read, and what one line of error says."""

import gzip

import pytest
import torch

from wolfsbane.errors import DataError
from wolfsbane.experiment.data import load

GOOD = "width,height,kind\n" + "1,2.5,a\n3,4,b\n" * 6


def write(tmp_path, text, name="data.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_last_column_is_the_target_and_the_rest_are_features(tmp_path):
    pool = load(write(tmp_path, GOOD))
    assert pool.classes == ("a", "b")
    assert pool.examples.x.dtype == torch.float64
    assert pool.examples.x[:2].tolist() == [[1.0, 2.5], [3.0, 4.0]]
    assert pool.examples.y[:4].tolist() == [0, 1, 0, 1]


def test_any_column_can_be_the_target(tmp_path):
    pool = load(write(tmp_path, "kind,width\n" + "a,1\nb,2\n" * 6), target="kind")
    assert pool.classes == ("a", "b")
    assert pool.examples.x.flatten()[:2].tolist() == [1.0, 2.0]


def test_numeric_labels_are_classes_in_numeric_order(tmp_path):
    pool = load(write(tmp_path, "x,y\n" + "1,10\n2,9\n" * 6))
    assert pool.classes == ("9", "10")


def test_a_gzipped_table_is_read(tmp_path):
    path = tmp_path / "data.csv.gz"
    path.write_bytes(gzip.compress(GOOD.encode()))
    assert len(load(path).examples) == 12


def test_a_byte_order_mark_and_blank_lines_do_no_harm(tmp_path):
    pool = load(write(tmp_path, "\ufeff" + GOOD + "\n\n"))
    assert len(pool.examples) == 12


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD + "x,5,a\n", r"column 'width', line 14: expected a number, but found 'x'"),
        (GOOD + ",5,a\n", r"column 'width', line 14: .* an empty cell"),
        (GOOD + "nan,5,a\n", r"column 'width', line 14: nan is not a finite"),
        (GOOD + "1,-inf,a\n", r"column 'height', line 14: -inf is not a finite"),
        (GOOD + "1,1e60,a\n", r"column 'height', line 14: 1e60 is not a finite"),
        ("a,b,a\n1,2,3\n", r"two columns are called 'a'"),
        ("a;b;c\n1;2;3\n", r"It has semicolons: save it with commas"),
        (GOOD + "\n1,2,\n", r"target column 'kind', line 15: no label"),
        (GOOD + "1,2\n", r"line 14 has 2 columns, but the header has 3"),
        ("x,y\n" + "1,a\n" * 9, r"expected two classes or more, but found only 'a'"),
        ("x,y\n" + "1,a\n2,b\n" * 3, r"class 'a' has 3 examples, but each needs 4"),
        ("x,y\n", r"a header and no rows"),
        ("", r"expected a header line"),
        ("x\n1\n", r"two comma-separated columns or more, but found 1"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path, text, said):
    with pytest.raises(DataError, match=said):
        load(write(tmp_path, text))


def test_a_measurement_as_target_is_recognised(tmp_path):
    rows = "".join(f"1,{index}.5\n" for index in range(20))
    with pytest.raises(
        DataError, match=r"class '0\.5' has 1 example, .* there are 20. Is the target a measurement"
    ):
        load(write(tmp_path, "x,y\n" + rows))


def test_a_missing_target_lists_the_columns(tmp_path):
    with pytest.raises(DataError, match=r"no column 'colour'. It has: width, height, kind"):
        load(write(tmp_path, GOOD), target="colour")


def test_a_target_for_data_without_columns_is_refused():
    with pytest.raises(DataError, match="names a column of a CSV file"):
        load("spam", target="spam")


def test_a_missing_file_says_what_there_is():
    with pytest.raises(DataError, match=r"no such data: 'spm'. Expected spam or digits"):
        load("spm")


def test_a_file_of_another_kind_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"expected a file ending in .csv, .csv.gz or .npz"):
        load(write(tmp_path, "hello", "data.txt"))


def test_a_file_that_is_not_text_is_refused(tmp_path):
    path = tmp_path / "data.csv"
    path.write_bytes(b"\xff\xfe\x00\x81" * 10)
    with pytest.raises(DataError, match="cannot read"):
        load(path)
