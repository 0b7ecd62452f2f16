"""One training on chest X-rays, steered by a Pilot.

python -m examples.chest_xrays.pilot [--seed 0] [--no-pilot]
"""

from __future__ import annotations

import torch

from examples.bootstrap import interval
from examples.chest_xrays.task import DEFAULT, HORIZON, auroc, build_model, calibration_error, load_splits
from examples.steering import predict, show, train
from trimtab.task.losses import binary_cross_entropy


def fly(seed: int, *, steer: bool = True, epochs: int = HORIZON) -> dict[str, float]:
    """Return the test metrics of one run, the area under the ROC curve with its 95 % interval."""
    torch.manual_seed(seed)
    learned, validation, test = load_splits(seed)
    model = build_model(DEFAULT)
    optimizer = torch.optim.AdamW(model.parameters(), lr=DEFAULT["lr"], weight_decay=DEFAULT["weight_decay"])
    train(
        model,
        optimizer,
        train=learned,
        validation=validation,
        loss=binary_cross_entropy,
        epochs=epochs,
        batch_size=DEFAULT["batch_size"],
        steer=steer,
    )
    outputs, targets = predict(model, test)
    low, high = interval(auroc, outputs, targets)
    area = {"auroc": auroc(outputs, targets), "auroc_low": low, "auroc_high": high}
    return {
        **area,
        "calibration_error": calibration_error(outputs, targets),
        "loss": float(binary_cross_entropy(outputs, targets)),
    }


if __name__ == "__main__":
    show(fly, __doc__)
