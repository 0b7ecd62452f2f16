"""One fine-tuning of MiniLM on 1,000 sentences of film reviews, steered by a Pilot; its groups keep the ratio of their rates.

python -m examples.pretrained_text.pilot [--seed 0] [--no-pilot]
"""

from __future__ import annotations

import torch
from torch.nn.functional import cross_entropy

from examples.pretrained_text.task import DEFAULT, HORIZON, SIZES, build_model, load_splits, param_groups
from examples.steering import predict, show, train


def fly(seed: int, *, steer: bool = True, epochs: int = HORIZON // 2, sizes: tuple[int, int, int] = SIZES) -> dict[str, float]:
    """Return the test metrics of one run."""
    torch.manual_seed(seed)
    learned, validation, test = load_splits(seed, sizes)
    model = build_model(DEFAULT)
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
    )
    outputs, targets = predict(model, test)
    accuracy = float((outputs.argmax(1) == targets).float().mean())
    return {"accuracy": accuracy, "loss": float(cross_entropy(outputs, targets))}


if __name__ == "__main__":
    show(fly, __doc__)
