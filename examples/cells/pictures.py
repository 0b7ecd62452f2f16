"""Pictures of BCCD with the boxes of their cells, and what a detector is to answer at each place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from trimtab.datasets import fetch

KINDS = ("RBC", "WBC", "Platelets")
HEIGHT, WIDTH, STRIDE = 120, 160, 4
SCALE = 640 / WIDTH
"""The pictures are 640 by 480; a detector sees a quarter of that, and answers at every fourth place of what it sees."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """``pixels`` (n, 3, 120, 160) in [0, 1]; for each picture its ``boxes`` (cells, 4), x, y, width, height as the detector
    sees them, and ``kinds`` (cells,)."""

    pixels: Tensor
    boxes: tuple[Tensor, ...]
    kinds: tuple[Tensor, ...]

    def __len__(self) -> int:
        return len(self.pixels)

    def taken(self, places: list[int]) -> Pictures:
        """Return the pictures at ``places``."""
        return Pictures(self.pixels[places], *(tuple(column[place] for place in places) for column in (self.boxes, self.kinds)))

    def answers(self) -> Tensor:
        """Return what is to be answered, (n, 8, 30, 40): a peak for each kind, then size and offset, and where they hold."""
        return torch.stack([_answer(boxes, kinds) for boxes, kinds in zip(self.boxes, self.kinds, strict=True)])


@cache
def load(part: str) -> Pictures:
    """Return the official ``part``: "trainval", 292 pictures, or "test", 72."""
    folder = fetch("bccd")
    names = next(folder.rglob(f"{part}.txt")).read_text().split()
    read = [_read(folder, name) for name in names]
    return Pictures(torch.stack([pixels for pixels, _, _ in read]), *(tuple(each[place] for each in read) for place in (1, 2)))


def _read(folder: Path, name: str) -> tuple[Tensor, Tensor, Tensor]:
    with Image.open(next(folder.rglob(f"{name}.jpg"))) as picture:
        small = np.asarray(picture.convert("RGB").resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR))
    told = next(folder.rglob(f"{name}.xml")).read_text()
    boxes, kinds = list[list[float]](), list[int]()
    for cell in re.findall(r"<object>.*?</object>", told, re.DOTALL):
        left, top, right, bottom = (float(re.findall(rf"<{edge}>(\d+)<", cell)[0]) for edge in ("xmin", "ymin", "xmax", "ymax"))
        if right > left and bottom > top:
            boxes.append([left / SCALE, top / SCALE, (right - left) / SCALE, (bottom - top) / SCALE])
            kinds.append(KINDS.index(re.findall(r"<name>(\w+)<", cell)[0]))
    pixels = torch.tensor(small).permute(2, 0, 1).float() / 255
    return pixels, torch.tensor(boxes).reshape(-1, 4), torch.tensor(kinds, dtype=torch.int64)


def _answer(boxes: Tensor, kinds: Tensor) -> Tensor:
    """Return a bump around the middle of each cell, as wide as a sixth of it; what it holds is there once. Zhou et al. 2019."""
    rows, columns = HEIGHT // STRIDE, WIDTH // STRIDE
    answer = torch.zeros(len(KINDS) + 5, rows, columns)
    down, across = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    for (left, top, width, height), kind in zip(boxes.tolist(), kinds.tolist(), strict=True):
        x, y = (left + width / 2) / STRIDE, (top + height / 2) / STRIDE
        column, row = min(int(x), columns - 1), min(int(y), rows - 1)
        spread = max(0.6, (width + height) / 2 / STRIDE / 6)
        bump = torch.exp(-((across - column) ** 2 + (down - row) ** 2) / (2 * spread**2))
        answer[kind] = torch.maximum(answer[kind], bump)
        answer[len(KINDS) :, row, column] = torch.tensor([width / STRIDE, height / STRIDE, x - column, y - row, 1.0])
    return answer
