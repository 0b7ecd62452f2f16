"""One fine-tuning of RNet on 20 pictures, steered by a Pilot; its two groups keep the ratio of their rates.

python -m examples.faces.pilot [--seed 0] [--no-pilot]
"""

from __future__ import annotations

import torch
from torch.nn.functional import cross_entropy

from examples.faces.task import DEFAULT, HORIZON, build_model, load_splits, param_groups
from examples.steering import predict, show, train


def fly(seed: int, *, steer: bool = True, epochs: int = HORIZON, pretrained: bool = True) -> dict[str, float]:
    """Return the test metrics of one run, whose schedule moves every four epochs."""
    torch.manual_seed(seed)
    learned, validation, test = load_splits(seed)
    model = build_model(DEFAULT, pretrained=pretrained)
    groups = [
        {"params": group["params"], "lr": DEFAULT["lr"] * group.get("lr_multiplier", 1.0)} for group in param_groups(model)
    ]
    optimizer = torch.optim.AdamW(groups, weight_decay=DEFAULT["weight_decay"])
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
    outputs, targets = predict(model, test)
    accuracy = float((outputs.argmax(1) == targets).float().mean())
    return {"accuracy": accuracy, "loss": float(cross_entropy(outputs, targets))}


if __name__ == "__main__":
    show(fly, __doc__)
