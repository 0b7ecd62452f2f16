"""One training on MNIST digits, steered by a Pilot.

python -m examples.digit_images.pilot [--seed 0] [--no-pilot]
"""

from __future__ import annotations

import torch
from torch.nn.functional import cross_entropy

from examples.digit_images.task import DEFAULT, HORIZON, augment, build_model, load_splits
from examples.steering import judge_classes, show, train


def fly(seed: int, *, steer: bool = True, epochs: int = HORIZON) -> dict[str, float]:
    """Return the test metrics of one run."""
    torch.manual_seed(seed)
    learned, validation, test = load_splits(seed)
    model = build_model(DEFAULT)
    optimizer = torch.optim.AdamW(model.parameters(), lr=DEFAULT["lr"], weight_decay=DEFAULT["weight_decay"])
    generator = torch.Generator().manual_seed(seed)
    train(
        model,
        optimizer,
        train=learned,
        validation=validation,
        loss=cross_entropy,
        epochs=epochs,
        batch_size=DEFAULT["batch_size"],
        steer=steer,
        augment=lambda pictures: augment(pictures, DEFAULT["augmentation"], generator),
    )
    return judge_classes(model, test)


if __name__ == "__main__":
    show(fly, __doc__)
