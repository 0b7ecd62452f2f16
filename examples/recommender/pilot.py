"""One training of a recommender, steered by a Pilot.

python -m examples.recommender.pilot [--seed 0] [--no-pilot]
"""

from __future__ import annotations

import torch
from torch.nn.functional import cross_entropy

from examples.recommender.task import DEFAULT, HORIZON, build_model, load_splits, ndcg, recall
from examples.steering import predict, show, train


def fly(seed: int, *, steer: bool = True, epochs: int = HORIZON // 4) -> dict[str, float]:
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
    scores, targets = predict(model, test)
    figures = {"ndcg": ndcg(scores, targets), "recall": recall(scores, targets)}
    means = {name: float(values.mean()) for name, values in figures.items()}
    return {**means, "loss": float(cross_entropy(scores, targets))}


if __name__ == "__main__":
    show(fly, __doc__)
