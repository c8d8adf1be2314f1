"""NPZ archives and arrays in memory."""

import numpy as np
import pytest

from wolfsbane.errors import DataError
from wolfsbane.experiment.data import load

X = np.arange(24.0).reshape(12, 2)
Y = np.array([3, 7] * 6)


def archive(tmp_path, **arrays):
    path = tmp_path / "data.npz"
    np.savez(path, **arrays)
    return path


def test_labels_become_classes_from_zero(tmp_path):
    pool = load(archive(tmp_path, x=X, y=Y))
    assert pool.classes == ("3", "7")
    assert pool.examples.y.tolist() == [0, 1] * 6
    assert pool.test is None


def test_its_own_test_examples_are_kept(tmp_path):
    pool = load(archive(tmp_path, x_train=X, y_train=Y, x_test=X[:4] + 1, y_test=Y[:4]))
    assert pool.test is not None
    assert pool.test.x.tolist() == (X[:4] + 1).tolist()


@pytest.mark.parametrize("shape", [(12, 5, 5), (12, 3, 5, 5), (12, 5, 5, 3)])
def test_pictures_come_out_channels_second(tmp_path, shape):
    pool = load(archive(tmp_path, x=np.zeros(shape), y=Y))
    assert pool.kind == "pictures"
    assert pool.examples.x.shape[-2:] == (5, 5)
    assert pool.examples.x.shape[1] == (1 if len(shape) == 3 else 3)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"a": X}, r"expected arrays x and y .* but found a"),
        ({"x": X, "y": Y[:5]}, r"expected \(N, features\).* but got \(12, 2\) and \(5,\)"),
        ({"x": X, "y": np.stack([Y, Y])}, r"but got \(12, 2\) and \(2, 12\)"),
        ({"x": np.array(["a"] * 12).reshape(12, 1), "y": Y}, r"expected numbers"),
        ({"x": np.where(X == 7, np.nan, X), "y": Y}, r"nan at index \(3, 1\)"),
        ({"x": X, "y": np.zeros(12)}, r"expected two classes or more"),
        ({"x": X, "X": X, "y": Y}, r"both 'x' and 'X' are there"),
        (
            {"x": X, "y": Y, "x_test": X[:1], "y_test": np.array([5])},
            r"label 5 does not occur in training",
        ),
        (
            {"x": X, "y": Y, "x_test": np.zeros((2, 3)), "y_test": Y[:2]},
            r"examples of shape \(2,\) and x_test of shape \(3,\)",
        ),
    ],
)
def test_what_is_wrong_is_named(tmp_path, arrays, said):
    with pytest.raises(DataError, match=said):
        load(archive(tmp_path, **arrays))


def test_a_file_that_is_no_archive_is_refused(tmp_path):
    path = tmp_path / "data.npz"
    path.write_bytes(b"not a zip")
    with pytest.raises(DataError, match="cannot read"):
        load(path)


def test_pickled_objects_are_not_loaded(tmp_path):
    path = archive(tmp_path, x=np.array([{}] * 12, dtype=object), y=Y)
    with pytest.raises(DataError, match="cannot read"):
        load(path)
