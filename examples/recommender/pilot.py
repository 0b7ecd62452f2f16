"""One training of a recommender, steered by a Pilot after every quarter of an epoch.

python -m examples.recommender.pilot [--seed 0] [--no-pilot]
"""

from __future__ import annotations

import torch
from torch.nn.functional import cross_entropy
from torch.optim.lr_scheduler import CosineAnnealingLR

import trimtab as tt
from examples.recommender.task import DEFAULT, HORIZON, QUARTERS, build_model, load_splits, ndcg, recall
from examples.steering import predict, show


def fly(seed: int, *, steer: bool = True, epochs: int = HORIZON) -> dict[str, float]:
    """Return the test metrics of one run of ``epochs`` segments, each a quarter of an epoch."""
    torch.manual_seed(seed)
    learned, validation, test = load_splits(seed)
    model = build_model(DEFAULT)
    optimizer = torch.optim.AdamW(model.parameters(), lr=DEFAULT["lr"], weight_decay=DEFAULT["weight_decay"])
    pilot = tt.Pilot(optimizer, horizon=epochs) if steer else None
    cosine = None if steer else CosineAnnealingLR(optimizer, epochs)
    passes = [torch.randperm(len(learned)).chunk(QUARTERS) for _ in range(-(-epochs // QUARTERS))]
    for quarter in [part for each in passes for part in each][:epochs]:
        model.train()
        total = 0.0
        for chosen in quarter.split(DEFAULT["batch_size"]):
            rows, films = learned[chosen]
            optimizer.zero_grad()
            loss = cross_entropy(model(rows), films)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(films)
        if pilot is not None:
            scores, films = predict(model, validation)
            pilot.step(train_loss=total / len(quarter), validation_loss=float(cross_entropy(scores, films)))
        if cosine is not None:
            cosine.step()
    scores, films = predict(model, test)
    figures = {"ndcg": ndcg(scores, films), "recall": recall(scores, films)}
    return {**{name: float(values.mean()) for name, values in figures.items()}, "loss": float(cross_entropy(scores, films))}


if __name__ == "__main__":
    show(fly, __doc__)
