"""One training on the beats of an ECG, steered by a Pilot.

python -m examples.heart_beats.pilot [--seed 0] [--no-pilot]
"""

from __future__ import annotations

import torch

from examples.bootstrap import interval
from examples.heart_beats.task import DEFAULT, HORIZON, auroc, average_precision, build_model, load_splits, weighted_loss
from examples.steering import predict, show, train


def fly(seed: int, *, steer: bool = True, epochs: int = HORIZON) -> dict[str, float]:
    """Return the test metrics of one run, average precision and AUROC with their 95 % intervals."""
    torch.manual_seed(seed)
    learned, validation, test = load_splits(seed)
    model = build_model(DEFAULT)
    optimizer = torch.optim.AdamW(model.parameters(), lr=DEFAULT["lr"], weight_decay=DEFAULT["weight_decay"])
    train(
        model,
        optimizer,
        train=learned,
        validation=validation,
        loss=weighted_loss,
        epochs=epochs,
        batch_size=DEFAULT["batch_size"],
        steer=steer,
    )
    outputs, targets = predict(model, test)
    metrics = {"loss": float(weighted_loss(outputs, targets))}
    for score in (average_precision, auroc):
        low, high = interval(score, outputs, targets)
        name = score.__name__
        metrics |= {name: score(outputs, targets), f"{name}_low": low, f"{name}_high": high}
    return metrics


if __name__ == "__main__":
    show(fly, __doc__)
