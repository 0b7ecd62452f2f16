"""One fine-tuning of MiniLM on 1,000 sentences of film reviews, steered by a Pilot; its groups keep the ratio of their rates.

python -m examples.pretrained_text.pilot [--seed 0] [--no-pilot]
"""

from __future__ import annotations

import torch
from torch.nn.functional import cross_entropy

from examples.pretrained_text.task import DEFAULT, HORIZON, SIZES, build_model, load_splits, param_groups
from examples.steering import at_rates, judge_classes, show, train


def fly(seed: int, *, steer: bool = True, epochs: int = HORIZON // 2, sizes: tuple[int, int, int] = SIZES) -> dict[str, float]:
    """Return the test metrics of one run."""
    torch.manual_seed(seed)
    learned, validation, test = load_splits(seed, sizes)
    model = build_model(DEFAULT)
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
    )
    return judge_classes(model, test)


if __name__ == "__main__":
    show(fly, __doc__)
