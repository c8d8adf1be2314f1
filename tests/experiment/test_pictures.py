"""Folders of pictures."""

import numpy as np
import pytest
from PIL import Image

from wolfsbane.errors import DataError
from wolfsbane.experiment.data import load


@pytest.fixture
def folder(tmp_path):
    draw = np.random.default_rng(0)
    for part in ("train", "test"):
        for name in ("cat", "other"):
            (tmp_path / part / name).mkdir(parents=True)
            for index in range(5):
                pixels = draw.integers(0, 256, (12, 10, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(tmp_path / part / name / f"{index}.png")
    return tmp_path


def test_pictures_are_read_with_their_folders_as_classes(folder):
    pool = load(folder)
    assert pool.kind == "pictures"
    assert pool.classes == ("cat", "other")
    assert pool.examples.x.shape == (10, 3, 12, 10)
    assert pool.test is not None
    assert len(pool.test) == 10
    assert 0 <= pool.examples.x.min() < pool.examples.x.max() <= 1


def test_pixels_are_those_of_the_file(folder):
    pool = load(folder)
    with Image.open(folder / "train" / "cat" / "3.png") as picture:
        pixels = np.asarray(picture) / np.float32(255)
    assert np.array_equal(pool.examples.x[3].permute(1, 2, 0).numpy(), pixels)


def test_pictures_of_different_sizes_are_scaled_to_one(folder):
    Image.new("L", (100, 50)).save(folder / "train" / "cat" / "grey.jpg")
    assert load(folder).examples.x.shape == (11, 3, 32, 32)


def test_other_files_are_passed_over(folder):
    (folder / "train" / "cat" / "Thumbs.db").write_bytes(b"x")
    assert len(load(folder).examples) == 10


def test_an_unreadable_picture_is_named(folder):
    (folder / "train" / "cat" / "broken.jpg").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"cannot read the picture .*broken\.jpg"):
        load(folder)


def test_a_truncated_picture_is_named(folder):
    whole = (folder / "train" / "cat" / "0.png").read_bytes()
    (folder / "train" / "cat" / "half.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"cannot read the picture .*half\.png"):
        load(folder)


def test_a_folder_without_pictures_is_refused(folder):
    for file in (folder / "test" / "cat").iterdir():
        file.unlink()
    with pytest.raises(DataError, match=r"test/cat has no pictures"):
        load(folder)


def test_a_folder_without_train_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"has no folder 'train': expected .*train/CLASS"):
        load(tmp_path)


def test_a_class_that_is_not_tested_is_refused(folder):
    (folder / "train" / "dog").mkdir()
    with pytest.raises(DataError, match=r"class 'dog' is not in both train and test"):
        load(folder)


def test_a_train_folder_without_classes_is_refused(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "test").mkdir()
    with pytest.raises(DataError, match=r"has no folders of pictures"):
        load(tmp_path)


def test_sixteen_bit_pictures_keep_their_shades(folder):
    for part in ("train", "test"):
        for file in (folder / part / "cat").iterdir():
            shades = np.linspace(0, 65535, 120).astype(np.uint16).reshape(12, 10)
            Image.fromarray(shades).save(file)
    cat = load(folder).examples.x[0]
    assert cat.unique().numel() > 100


def test_pictures_are_turned_as_their_camera_said(folder):
    upright = Image.new("RGB", (12, 10))
    orientation = upright.getexif()
    orientation[0x0112] = 6  # turned by a quarter
    upright.save(folder / "train" / "cat" / "0.png", exif=orientation)
    pool = load(folder)
    assert pool.examples.x.shape == (10, 3, 12, 10)
