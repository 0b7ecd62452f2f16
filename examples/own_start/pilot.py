"""One training of a model that was trained on MNIST before, on 200 digits of another collection, steered by a Pilot.

python -m examples.own_start.pilot [--seed 0] [--no-pilot]
"""

from __future__ import annotations

import torch
from torch.nn.functional import cross_entropy

from examples.digit_images import task as first
from examples.own_start.task import DEFAULT, HORIZON, load_splits, train_first
from examples.steering import judge_classes, show, train


def fly(seed: int, *, steer: bool = True, epochs: int = HORIZON, start: str | None = None) -> dict[str, float]:
    """Return the test metrics of one run, whose schedule moves every two epochs."""
    model = (train_first() if start is None else train_first(start, segments=2)).load_model().train()
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    learned, validation, test = load_splits(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=DEFAULT["lr"], weight_decay=DEFAULT["weight_decay"])
    train(
        model,
        optimizer,
        train=learned,
        validation=validation,
        loss=cross_entropy,
        epochs=epochs,
        batch_size=DEFAULT["batch_size"],
        steer=steer,
        passes=2,
        augment=lambda inputs: first.augment(inputs, DEFAULT["augmentation"], generator),
    )
    return judge_classes(model, test)


if __name__ == "__main__":
    show(fly, __doc__)
