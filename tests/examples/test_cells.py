"""Detection: what is to be answered, how answers are read, and average precision of a detector that knows."""

import pytest
import torch
from torch import nn

from tests.examples.contract import flown, needs, tried

pytestmark = needs("bccd")
pytest.importorskip("pycocotools")
pictures, detector, task, pilot = (
    pytest.importorskip(f"examples.cells.{name}") for name in ("pictures", "detector", "task", "pilot")
)


class Knowing(nn.Module):
    """Answers what is to be answered."""

    def __init__(self, answers):
        super().__init__()
        self.answers = answers

    def forward(self, pixels):
        kinds = len(pictures.KINDS)
        return torch.cat([torch.logit(self.answers[:, :kinds], 1e-4), self.answers[:, kinds:-1]], 1)


def test_a_short_study_learns(tmp_path):
    assert tried(task, tmp_path, segments=2).best.metrics["loss"] < 6


def test_a_short_steered_run_is_judged_by_average_precision():
    metrics = flown(pilot, epochs=1)
    assert 0 <= metrics["map"] <= metrics["map_50"] <= 1


def test_a_detector_that_knows_the_answers_finds_nearly_all_cells():
    few = pictures.load("test").taken([0, 1, 2, 3])
    metrics = detector.average_precision(Knowing(few.answers()), few)
    assert metrics["map_50"] > 0.9
    assert metrics["map"] > 0.85


def test_boxes_come_back_from_answers():
    boxes = torch.tensor([[40.0, 30.0, 30.0, 24.0], [100.0, 60.0, 12.0, 10.0]])
    one = pictures.Pictures(torch.zeros(1, 3, 120, 160), (boxes,), (torch.tensor([0, 2]),))
    ((found, kinds, scores),) = detector.detect(Knowing(one.answers()), one.pixels)
    assert kinds[:2].tolist() in ([0, 2], [2, 0])
    for box, kind in zip(boxes, (0, 2), strict=True):
        best = found[:2][kinds[:2] == kind]
        assert torch.allclose(best, box[None], atol=1e-4)
    assert scores[1] > 0.99 > scores[2]


def test_a_mirrored_picture_has_mirrored_cells():
    pixels, answers = task.load_splits()[0]
    count = len(pixels) // 2
    found, mirrored = (detector.detect(Knowing(each[:1]), pixels[:1]) for each in (answers, answers[count:]))
    boxes, opposite = (each[0][0][each[0][2] > 0.99] for each in (found, mirrored))
    middles, others = ((box[:, 0] + box[:, 2] / 2).sort().values for box in (boxes, opposite))
    assert torch.allclose(middles, (160 - others).sort().values, atol=0.1)


def test_the_parts_are_the_official_ones():
    assert (len(pictures.load("trainval")), len(pictures.load("test"))) == (292, 72)
    learned, held = task.divided(0)
    assert (len(learned), len(held)) == (250, 42)
