"""One training of a Cox network, steered by a Pilot.

python -m examples.survival.pilot [--seed 0] [--no-pilot]
"""

from __future__ import annotations

import torch

from examples.bootstrap import interval
from examples.steering import predict, show, train
from examples.survival.task import DEFAULT, HORIZON, build_model, concordance, cox_loss, load_splits


def fly(seed: int, *, steer: bool = True, epochs: int = HORIZON) -> dict[str, float]:
    """Return the test metrics of one run of ``epochs`` times four passes, the concordance with its 95 % interval."""
    torch.manual_seed(seed)
    learned, validation, test = load_splits(seed)
    model = build_model(DEFAULT)
    optimizer = torch.optim.AdamW(model.parameters(), lr=DEFAULT["lr"], weight_decay=DEFAULT["weight_decay"])
    train(
        model,
        optimizer,
        train=learned,
        validation=validation,
        loss=cox_loss,
        epochs=epochs,
        passes=4,
        batch_size=DEFAULT["batch_size"],
        steer=steer,
    )
    risks, targets = predict(model, test)
    low, high = interval(concordance, risks, targets)
    return {
        "concordance": concordance(risks, targets),
        "concordance_low": low,
        "concordance_high": high,
        "loss": float(cox_loss(risks, targets)),
    }


if __name__ == "__main__":
    show(fly, __doc__)
