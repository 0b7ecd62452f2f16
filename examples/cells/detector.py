"""A single-shot detector without anchors: each cell is a point with a size. Zhou, Wang & Krähenbühl 2019."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torch import Tensor, nn
from torch.nn import functional

from examples.cells.pictures import HEIGHT, KINDS, STRIDE, WIDTH, Pictures

MOST = 100
"""Cells that are named in a picture at most."""


class Detector(nn.Module):
    """Logits of a peak for each kind, sizes and offsets, (n, 7, 30, 40), of pictures (n, 3, 120, 160)."""

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        wide = 2 * width
        layers = [_block(3, width, stride=2), _block(width, wide, stride=2), *(_block(wide, wide) for _ in range(depth))]
        self.layers = nn.Sequential(*layers)
        # twice as coarse and back: a red cell is ten places wide
        self.around = nn.Sequential(_block(wide, 2 * wide, stride=2), _block(2 * wide, wide))
        self.head = nn.Sequential(_block(wide, wide), nn.Conv2d(wide, len(KINDS) + 4, 1))
        nn.init.constant_(self.head[-1].bias[: len(KINDS)], -2.2)  # a tenth: most places are empty. Lin et al. 2017

    def forward(self, pixels: Tensor) -> Tensor:
        seen = self.layers(2 * pixels - 1)
        around = functional.interpolate(self.around(seen), seen.shape[2:], mode="bilinear", align_corners=False)
        return self.head(seen + around)


def _block(inputs: int, outputs: int, *, stride: int = 1) -> nn.Module:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU())


def detection_loss(output: Tensor, answer: Tensor) -> Tensor:
    """Return the focal loss of the peaks, and a tenth of the L1 distance of sizes and offsets where cells are."""
    kinds = len(KINDS)
    wanted, there = answer[:, :kinds], answer[:, -1:]
    chance = output[:, :kinds].sigmoid().clamp(1e-4, 1 - 1e-4)
    found = (1 - chance) ** 2 * chance.log() * (wanted == 1)
    empty = (1 - wanted) ** 4 * chance**2 * (1 - chance).log() * (wanted < 1)
    cells = there.sum().clamp_min(1.0)
    apart = ((output[:, kinds:] - answer[:, kinds:-1]).abs() * there).sum()
    return (0.1 * apart - found.sum() - empty.sum()) / cells


@torch.no_grad()
def detect(model: nn.Module, pixels: Tensor) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Return boxes (cells, 4), kinds and scores for each picture: the places that are higher than those around them."""
    model.eval()
    output = torch.cat([model(part) for part in pixels.split(32)])
    chance = output[:, : len(KINDS)].sigmoid()
    peaks = chance * (chance == functional.max_pool2d(chance, 3, 1, 1))
    scores, places = peaks.flatten(1).topk(MOST)
    columns, size = WIDTH // STRIDE, (HEIGHT // STRIDE) * (WIDTH // STRIDE)
    found = []
    for shape, score, place in zip(output[:, len(KINDS) :], scores, places, strict=True):
        spot = place % size
        width, height, x, y = shape.flatten(1)[:, spot] * STRIDE
        left, top = (spot % columns) * STRIDE + x - width / 2, (spot // columns) * STRIDE + y - height / 2
        found.append((torch.stack([left, top, width, height], 1), place // size, score))
    return found


def average_precision(model: nn.Module, pictures: Pictures) -> dict[str, float]:
    """Return the mean average precision by pycocotools: at an overlap of a half, and over overlaps from 0.5 to 0.95."""
    numbered = enumerate(zip(pictures.boxes, pictures.kinds, strict=True))
    truth = [
        {"image_id": image, "category_id": kind, "bbox": box, "area": box[2] * box[3], "iscrowd": 0}
        for image, (boxes, kinds) in numbered
        for box, kind in zip(boxes.tolist(), kinds.tolist(), strict=True)
    ]
    said = [
        [image, *box, score, kind]
        for image, found in enumerate(detect(model, pictures.pixels))
        for box, kind, score in zip(*(column.tolist() for column in found), strict=True)
    ]
    with contextlib.redirect_stdout(io.StringIO()):  # it prints its progress
        known = COCO()
        known.dataset = {
            "images": [{"id": image} for image in range(len(pictures))],
            "categories": [{"id": kind} for kind in range(len(KINDS))],
            "annotations": [{"id": number, **cell} for number, cell in enumerate(truth, start=1)],
        }
        known.createIndex()
        judge = COCOeval(known, known.loadRes(np.array(said)), "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return {"map_50": float(judge.stats[1]), "map": float(judge.stats[0])}
