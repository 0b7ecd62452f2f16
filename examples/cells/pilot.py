"""One training of a detector, steered by a Pilot.

python -m examples.cells.pilot [--seed 0] [--no-pilot]
"""

from __future__ import annotations

import torch
from torch.utils.data import TensorDataset

from examples.cells.detector import average_precision, detection_loss
from examples.cells.pictures import load
from examples.cells.task import DEFAULT, HORIZON, augment, build_model, load_splits
from examples.steering import predict, show, train


def fly(seed: int, *, steer: bool = True, epochs: int = HORIZON // 2) -> dict[str, float]:
    """Return the test metrics of one run: the mean average precision, and the loss."""
    torch.manual_seed(seed)
    learned, validation, test = (TensorDataset(*pair) for pair in load_splits(seed))
    model = build_model(DEFAULT)
    optimizer = torch.optim.AdamW(model.parameters(), lr=DEFAULT["lr"], weight_decay=DEFAULT["weight_decay"])
    generator = torch.Generator().manual_seed(seed)
    train(
        model,
        optimizer,
        train=learned,
        validation=validation,
        loss=detection_loss,
        epochs=epochs,
        batch_size=DEFAULT["batch_size"],
        steer=steer,
        augment=lambda pixels: augment(pixels, DEFAULT["augmentation"], generator),
    )
    outputs, answers = predict(model, test)
    return {**average_precision(model, load("test")), "loss": float(detection_loss(outputs, answers))}


if __name__ == "__main__":
    show(fly, __doc__)
