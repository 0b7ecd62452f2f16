"""One fine-tuning of RNet on 20 pictures, steered by a Pilot; its two groups keep the ratio of their rates.

python -m examples.faces.pilot [--seed 0] [--no-pilot]
"""

from __future__ import annotations

import torch
from torch.nn.functional import cross_entropy

from examples.faces.task import DEFAULT, HORIZON, build_model, load_splits, param_groups
from examples.steering import at_rates, judge_classes, show, train


def fly(seed: int, *, steer: bool = True, epochs: int = HORIZON, pretrained: bool = True) -> dict[str, float]:
    """Return the test metrics of one run, whose schedule moves every four epochs."""
    torch.manual_seed(seed)
    learned, validation, test = load_splits(seed)
    model = build_model(DEFAULT, pretrained=pretrained)
    optimizer = torch.optim.AdamW(at_rates(param_groups(model), DEFAULT["lr"]), weight_decay=DEFAULT["weight_decay"])
    train(
        model,
        optimizer,
        train=learned,
        validation=validation,
        loss=cross_entropy,
        epochs=epochs,
        batch_size=DEFAULT["batch_size"],
        steer=steer,
        passes=4,
    )
    return judge_classes(model, test)


if __name__ == "__main__":
    show(fly, __doc__)
