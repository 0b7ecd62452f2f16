"""What a policy is told of a training between two of its decisions: raw figures, one for each of N trainings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Look = Literal["before", "early", "segment"]
"""When: before the first step (its gradient is known), after the first few steps, at the end of a segment."""


@dataclass(frozen=True, slots=True)
class Signals:
    """Figures of N trainings, each of shape (N,), NaN where one is not known.

    ``train_loss``: mean over the segment. ``validation_loss``: at its end. ``steps``: optimizer steps that were made.
    ``weight_norm``: L2 norm of the weights. ``step_norm``: mean L2 norm of the displacement by one step; before the first
    step, what it is going to be at the present rate. ``displacement``: L2 norm of the displacement over the segment;
    ``cosine``: its cosine with that of the segment before. ``gradient_norm``: mean L2 norm of the gradient.
    ``gradient_cosine``: mean cosine of the gradients of two successive steps: near one where there is little noise.
    ``step_cosine``: mean cosine of a step with the descent (the negative gradient) that it was made from; ``after_cosine``:
    with the descent at its end. Where the latter is above zero the loss falls further along the step, below it was too long:
    what is told by the gradient of the loss by the learning rate (Baydin et al. 2018, eq. 5).
    Norms may be taken over a sample of the weights, if all are over the same.
    """

    look: Look
    train_loss: np.ndarray
    validation_loss: np.ndarray
    steps: np.ndarray
    weight_norm: np.ndarray
    step_norm: np.ndarray
    displacement: np.ndarray
    cosine: np.ndarray
    gradient_norm: np.ndarray
    gradient_cosine: np.ndarray
    step_cosine: np.ndarray
    after_cosine: np.ndarray

    def __len__(self) -> int:
        return len(self.steps)
