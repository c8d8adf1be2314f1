"""Folders of pictures: train/CLASS/*.jpg and test/CLASS/*.jpg."""

import struct
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from PIL import ExifTags, Image, ImageOps

from wolfsbane.errors import DataError
from wolfsbane.experiment.data.examples import Examples, Pool, check_labels

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff"})

UNREADABLE = (OSError, ValueError, SyntaxError, struct.error, Image.DecompressionBombError)
"""What Pillow raises for a file that is no picture, or half of one."""

LARGEST_SIDE = 64
"""Pictures of one size up to this are taken as they are; others are scaled."""

QUARTER_TURNS = frozenset({5, 6, 7, 8})
"""Exif orientations in which width and height are exchanged."""

SCALED_SIDE = 32
"""Width and height that pictures are scaled to: a small network on a CPU learns from it."""


def load_pictures(folder: Path) -> Pool:
    """Read train/CLASS/* and test/CLASS/* as RGB pictures of one size."""
    classes = _class_names(folder)
    train = _files(folder / "train", classes)
    test = _files(folder / "test", classes)
    size = _common_size([file for file, _ in train + test])
    examples = _read(train, size)
    check_labels(examples.y, classes, f"{folder / 'train'}")
    return Pool(folder.resolve().name, "pictures", examples, classes, _read(test, size))


def _class_names(folder: Path) -> tuple[str, ...]:
    expected = f"expected {folder}/train/CLASS/*.jpg and {folder}/test/CLASS/*.jpg"
    for part in ("train", "test"):
        if not (folder / part).is_dir():
            raise DataError(f"{folder} has no folder {part!r}: {expected}")
    names = {
        part: {child.name for child in (folder / part).iterdir() if child.is_dir()}
        for part in ("train", "test")
    }
    if not names["train"]:
        raise DataError(f"{folder / 'train'} has no folders of pictures: {expected}")
    if names["train"] != names["test"]:
        odd = min(names["train"] ^ names["test"])
        raise DataError(f"class {odd!r} is not in both train and test: {expected}")
    return tuple(sorted(names["train"]))


def _files(part: Path, classes: tuple[str, ...]) -> list[tuple[Path, int]]:
    files = []
    for label, name in enumerate(classes):
        found = sorted(file for file in (part / name).iterdir() if file.suffix.lower() in SUFFIXES)
        if not found:
            raise DataError(
                f"{part / name} has no pictures ({', '.join(sorted(SUFFIXES))} are read)"
            )
        files += [(file, label) for file in found]
    return files


def _common_size(files: list[Path]) -> tuple[int, int]:
    """Return (width, height) of all pictures: their own if it is one and small."""
    sizes = Counter(_size(file) for file in files)
    size = sizes.most_common(1)[0][0]
    return size if len(sizes) == 1 and max(size) <= LARGEST_SIDE else (SCALED_SIDE, SCALED_SIDE)


def _size(file: Path) -> tuple[int, int]:
    with _open(file) as picture:
        width, height = picture.size
        try:
            orientation = picture.getexif().get(ExifTags.Base.Orientation, 1)
        except UNREADABLE as error:
            raise _unreadable(file, error) from error
        return (height, width) if orientation in QUARTER_TURNS else (width, height)


def _open(file: Path) -> Image.Image:
    try:
        return Image.open(file)
    except UNREADABLE as error:
        raise _unreadable(file, error) from error


def _unreadable(file: Path, error: Exception) -> DataError:
    return DataError(f"cannot read the picture {file}: {error}")


def _read(files: list[tuple[Path, int]], size: tuple[int, int]) -> Examples:
    width, height = size
    x = torch.empty(len(files), 3, height, width)
    for index, (file, _) in enumerate(files):
        x[index] = _pixels(file, size)
    return Examples(x, torch.tensor([label for _, label in files]))


def _pixels(file: Path, size: tuple[int, int]) -> torch.Tensor:
    with _open(file) as picture:
        try:
            upright = ImageOps.exif_transpose(picture)
            rgb = _eight_bits(upright).convert("RGB")
        except UNREADABLE as error:
            raise _unreadable(file, error) from error
    if rgb.size != size:
        rgb = rgb.resize(size, Image.Resampling.BILINEAR)
    return torch.from_numpy(np.array(rgb)).permute(2, 0, 1) / 255


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Scale 16-bit grey values to 8 bits, where Pillow's own conversion would cut them off."""
    if not picture.mode.startswith("I"):
        return picture
    grey = np.asarray(picture, dtype=np.float64) * (255 / 65535)
    return Image.fromarray(grey.clip(0, 255).round().astype(np.uint8))
