"""What changes are worth, as an ensemble of networks that is fitted to trials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from trimtab.agents.network import Architecture, BatchForward, initial, views
from trimtab.metatraining.memory import Memory
from trimtab.policy.levers import HEADS, KEEP
from trimtab.policy.rules import counted
from trimtab.policy.sight import FEATURES
from trimtab.seeds import derive, generator

MEMBERS = 5
HIDDEN = (64, 64)
BOOTSTRAP = 0.8
"""The share of the courses that each member is fitted to."""
DROPOUT, DECAY, RATE = 0.35, 0.01, 1e-3
PASSES, BATCH = 30, 256


@dataclass(frozen=True, slots=True)
class Worths:
    """What each member of an ensemble thinks that moves are worth, beside leaving things as they are, which is worth 0."""

    architecture: Architecture
    arrays: Mapping[str, np.ndarray]

    def values(self, observation: np.ndarray) -> np.ndarray:
        """Return the worth of all moves at ``observation`` (N, features), shape (members, N, heads, moves), padded."""
        weights = {name: torch.from_numpy(array) for name, array in self.arrays.items()}
        forward = BatchForward(self.architecture, np.zeros(1), {}, 0.0)
        return forward.first(weights, torch.from_numpy(observation)).numpy().astype(np.float64)


def ignorant() -> Worths:
    """Return an ensemble that thinks nothing of any move."""
    shape = _architecture()
    return Worths(shape, {name: np.zeros(size, np.float32) for name, size in shape.shapes().items()})


def fit(memory: Memory, *, seed: int) -> Worths:
    """Return an ensemble that is fitted to ``memory``: the same memory and seed give the same.

    Networks with dropout, on the gains as they are ``counted``; each member is fitted to courses of its own drawing.
    """
    shape = _architecture()
    centre, spread = memory.observation.mean(0), memory.observation.std(0) + 1e-3
    inputs = torch.from_numpy((memory.observation - centre) / spread)
    changed = memory.action != np.array(KEEP)
    head = changed.argmax(1)
    move = torch.from_numpy(head * shape.moves + memory.action[np.arange(len(head)), head])
    target = torch.from_numpy(counted(memory.gained))
    rows = [_rows(memory, changed.any(1), generator(seed, "member", member)) for member in range(MEMBERS)]
    weights = {name: view.requires_grad_() for name, view in _initial(shape, generator(seed, "weights")).items()}
    steps = PASSES * -(-max(map(len, rows)) // BATCH)
    optimizer = torch.optim.AdamW(weights.values(), lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
    random = torch.Generator().manual_seed(derive(seed, "batches") % 2**63)
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(derive(seed, "dropout") % 2**63)
        for _ in range(steps):
            index = torch.stack([each[torch.randint(len(each), (BATCH,), generator=random)] for each in rows])
            told = _forward(weights, inputs[index]).gather(2, move[index][..., None])[..., 0]
            optimizer.zero_grad()
            (nn.functional.smooth_l1_loss(told, target[index], reduction="sum") / BATCH).backward()
            optimizer.step()
            schedule.step()
    return Worths(shape, _finished(weights, shape, centre, spread))


def _architecture() -> Architecture:
    return Architecture(features=len(FEATURES), heads=HEADS, hidden=HIDDEN, dueling=False, members=MEMBERS)


def _initial(shape: Architecture, rng: np.random.Generator) -> dict[str, Tensor]:
    return {name: view.clone() for name, view in views(initial(shape.shapes(), rng), shape.shapes()).items()}


def _rows(memory: Memory, changed: np.ndarray, rng: np.random.Generator) -> Tensor:
    """Return the rows that a member is fitted to: trials that ``changed`` something, of most of the courses."""
    among = rng.random(int(memory.course.max()) + 1) < BOOTSTRAP
    found = np.flatnonzero(changed & among[memory.course])
    return torch.from_numpy(found if len(found) else np.flatnonzero(changed))


def _forward(weights: Mapping[str, Tensor], x: Tensor) -> Tensor:
    """Return the outputs (members, B, heads · moves) of inputs (members, B, features), with dropout."""
    for index in range(len(HIDDEN)):
        x = torch.relu(torch.baddbmm(weights[f"trunk.{index}.bias"], x, weights[f"trunk.{index}.weight"]))
        x = nn.functional.dropout(x, DROPOUT)
    return torch.baddbmm(weights["output.bias"], x, weights["output.weight"])


def _finished(
    weights: Mapping[str, Tensor], shape: Architecture, centre: np.ndarray, spread: np.ndarray
) -> dict[str, np.ndarray]:
    """Return the weights for inputs as they are seen; to leave a lever alone is worth 0, and was never fitted."""
    arrays = {name: view.detach().numpy().copy() for name, view in weights.items()}
    arrays["trunk.0.weight"] /= spread[:, None]
    arrays["trunk.0.bias"] -= centre[None] @ arrays["trunk.0.weight"]
    still = np.arange(len(HEADS)) * shape.moves + np.array(KEEP)
    for name in ("output.weight", "output.bias"):
        arrays[name][..., still] = 0.0
    return arrays
