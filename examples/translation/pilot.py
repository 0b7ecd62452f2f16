"""One training of a translator: steered by a Pilot, by a cosine, or by the inverse square root that the transformer came with.

python -m examples.translation.pilot [--seed 0] [--no-pilot]
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR

import trimtab as tt
from examples.steering import show
from examples.translation.model import Translator, token_loss
from examples.translation.task import DEFAULT, HORIZON, SEGMENT, build_model, load_splits, quality

WARM_UP = 0.1
"""Share of the steps in which the inverse square root rises."""


def cosine(share: float) -> float:
    """Return the rate at ``share`` of a run, over its peak."""
    return 0.5 * (1 + float(torch.cos(torch.tensor(torch.pi * share))))


def inverse_square_root(share: float) -> float:
    """Return the rate at ``share`` of a run, over its peak: a rise in a straight line, then 1/√steps. Vaswani et al. 2017."""
    return min(share / WARM_UP, (WARM_UP / max(share, 1e-9)) ** 0.5)


def fly(
    seed: int,
    *,
    steer: bool = True,
    epochs: int = HORIZON,
    schedule: Callable[[float], float] = cosine,
    peak: float = DEFAULT["lr"],
    steps: int = SEGMENT,
    count: int | None = None,
) -> dict[str, float]:
    """Return BLEU, chrF and loss on the test captions after ``epochs`` segments of ``steps`` steps.

    Without ``steer``, the rate is ``peak`` times ``schedule``. ``count``: captions to learn from, default all.
    """
    torch.manual_seed(seed)
    train, validation, test = load_splits(seed, count=count)
    model = build_model(DEFAULT)
    optimizer = torch.optim.AdamW(model.parameters(), lr=peak, weight_decay=DEFAULT["weight_decay"], betas=(0.9, 0.98))
    pilot = tt.Pilot(optimizer, horizon=epochs) if steer else None
    planned = None if steer else LambdaLR(optimizer, lambda step: schedule((step + 1) / (epochs * steps)))
    for _ in range(epochs):
        model.train()
        total = 0.0
        for _ in range(steps):
            german, before, target = train[torch.randint(len(train), (DEFAULT["batch_size"],))]
            optimizer.zero_grad()
            loss = token_loss(model(german, before), target)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), DEFAULT["gradient_clip"])
            optimizer.step()
            if planned is not None:
                planned.step()
            total += loss.item()
        if pilot is not None:
            pilot.step(train_loss=total / steps, validation_loss=measured(model, validation.tensors))
    figures = quality(model, "test_2016_flickr", count)
    return {**figures, "loss": measured(model, test.tensors)}


@torch.no_grad()
def measured(model: Translator, tensors: tuple[Tensor, ...]) -> float:
    """Return the mean loss over batches of a split."""
    model.eval()
    german, before, target = tensors
    places = torch.arange(len(german)).split(256)
    losses = [float(token_loss(model(german[place], before[place]), target[place])) * len(place) for place in places]
    return sum(losses) / len(german)


if __name__ == "__main__":
    show(fly, __doc__)
