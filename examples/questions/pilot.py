"""One training on TREC questions, steered by a Pilot.

python -m examples.questions.pilot [--seed 0] [--no-pilot]
"""

from __future__ import annotations

import torch
from torch.nn.functional import cross_entropy

from examples.questions.task import DEFAULT, HORIZON, build_model, load_splits, macro_f1
from examples.steering import predict, show, train


def fly(seed: int, *, steer: bool = True, epochs: int = HORIZON) -> dict[str, float]:
    """Return the test metrics of one run."""
    torch.manual_seed(seed)
    learned, validation, test = load_splits(seed)
    model = build_model(DEFAULT)
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
    )
    outputs, targets = predict(model, test)
    return {
        "accuracy": float((outputs.argmax(1) == targets).float().mean()),
        "macro_f1": macro_f1(outputs, targets),
        "loss": float(cross_entropy(outputs, targets)),
    }


if __name__ == "__main__":
    show(fly, __doc__)
