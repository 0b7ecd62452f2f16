"""Ways to learn from trials what moves are worth, on one memory, by the trials of courses that none of them has learned from.

``make policy`` leaves the memory: trainings that were cloned, the clones given one move each, and by how much lower each ended.
A learner is worth what it gains where it may choose: of the clones of a training it takes the one of whose move it thinks most,
if it thinks more than MARGIN of it, else the one that was left alone. A gain counts as it does in learning, from -1 to 1.

Heads that add up or decide in turn cannot be compared so: a trial moves one lever.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeAlias
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.results import Headline, Measured, run
from trimtab.metatraining import fitting
from trimtab.metatraining.learning import CLONES, MEMORY, settle
from trimtab.metatraining.memory import Memory
from trimtab.policy.levers import HEADS, KEEP
from trimtab.policy.rules import MARGIN, counted
from trimtab.policy.sight import FEATURES

Learner: TypeAlias = Callable[[Memory, Memory], np.ndarray]
"""(learned from, judged on) → what is thought of the move that each of the latter's trials made, (M,)."""

PAST = tuple(
    index
    for index, name in enumerate(FEATURES)
    if name.startswith("last ") or "before" in name or "change" in name or "since best" in name or "smoothed" in name
)
"""Features that tell of more than the present segment."""
FOLDS = 4
QUANTILES = 15


def ensemble(known: Memory, judged: Memory, *, least: bool = True, **constants: Any) -> np.ndarray:
    """Judge as the shipped policy does, by its least convinced member, or by the mean of all."""
    with ExitStack() as stack:
        for name, value in constants.items():
            stack.enter_context(patch.object(fitting, name, value))
        values = fitting.fit(known, seed=0).values(judged.observation)
    head, move = _moved(judged)
    told = values[:, np.arange(len(judged)), head, move]
    return told.min(0) if least else told.mean(0)


def forgetful(known: Memory, judged: Memory) -> np.ndarray:
    """Judge without what is seen of the past."""

    def blind(memory: Memory) -> Memory:
        observation = memory.observation.copy()
        observation[:, list(PAST)] = 0.0
        return Memory(observation, memory.action, memory.gained, memory.course)

    return ensemble(blind(known), blind(judged))


def apart(known: Memory, judged: Memory) -> np.ndarray:
    """Judge by an ensemble for each head that shares nothing with those of the others."""
    told = np.zeros(len(judged))
    heads_known, heads_judged = _moved(known)[0], _moved(judged)[0]
    still = (known.action == np.array(KEEP)).all(1)
    for head in range(len(HEADS)):
        rows = (heads_judged == head) & ~(judged.action == np.array(KEEP)).all(1)
        learned = (heads_known == head) & ~still
        if rows.any() and learned.any():
            told[rows] = ensemble(_rows(known, learned), _rows(judged, rows))
    return told


def uncounted(known: Memory, judged: Memory) -> np.ndarray:
    """Judge by gains in log loss as they are, cut at one."""
    return ensemble(known, judged, counted=lambda gained: np.clip(gained, -1.0, 1.0))


def trees(known: Memory, judged: Memory) -> np.ndarray:
    """Judge by boosted trees, one forest a head (fitted Q-iteration of Ernst et al. 2005, of one step)."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    def table(memory: Memory) -> np.ndarray:
        head, move = _moved(memory)
        return np.column_stack([memory.observation, head, move])

    changed = ~(known.action == np.array(KEEP)).all(1)
    head = len(FEATURES)
    options: dict[str, Any] = {"categorical_features": [head], "max_iter": 200, "learning_rate": 0.05, "random_state": 0}
    forest = HistGradientBoostingRegressor(**options)
    return forest.fit(table(known)[changed], counted(known.gained)[changed]).predict(table(judged))


def distributional(known: Memory, judged: Memory) -> np.ndarray:
    """Judge by the mean of the quantiles of an ensemble that learns quantiles (Dabney et al. 2018)."""
    centre, spread = known.observation.mean(0), known.observation.std(0) + 1e-3
    changed = ~(known.action == np.array(KEEP)).all(1)
    moves = max(HEADS)
    nets = [_quantile_net(known, changed, member, centre, spread) for member in range(fitting.MEMBERS)]
    x = torch.from_numpy((judged.observation - centre) / spread).float()
    head, move = _moved(judged)
    column = torch.from_numpy(head * moves + move)
    with torch.no_grad():
        told = [net(x).view(len(x), -1, QUANTILES)[torch.arange(len(x)), column].mean(1) for net in nets]
    return torch.stack(told).amin(0).numpy()


def _quantile_net(known: Memory, changed: np.ndarray, member: int, centre: np.ndarray, spread: np.ndarray) -> nn.Module:
    rng, random = np.random.default_rng(member), torch.Generator().manual_seed(member)
    among = rng.random(int(known.course.max()) + 1) < fitting.BOOTSTRAP
    rows = torch.from_numpy(np.flatnonzero(changed & among[known.course]))
    x = torch.from_numpy((known.observation - centre) / spread).float()
    head, move = _moved(known)
    column, target = torch.from_numpy(head * max(HEADS) + move), torch.from_numpy(counted(known.gained))
    width = fitting.HIDDEN[0]
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(member)
        drop = fitting.DROPOUT
        net = nn.Sequential(
            *(nn.Linear(x.shape[1], width), nn.ReLU(), nn.Dropout(drop), nn.Linear(width, width), nn.ReLU(), nn.Dropout(drop)),
            nn.Linear(width, len(HEADS) * max(HEADS) * QUANTILES),
        )
        optimizer = torch.optim.AdamW(net.parameters(), lr=fitting.RATE, weight_decay=fitting.DECAY)
        steps = fitting.PASSES * -(-len(rows) // fitting.BATCH)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, fitting.RATE, total_steps=steps)
        for _ in range(steps):
            index = rows[torch.randint(len(rows), (fitting.BATCH,), generator=random)]
            told = net(x[index]).view(len(index), -1, QUANTILES)[torch.arange(len(index)), column[index]]
            optimizer.zero_grad()
            _quantile_loss(told, target[index]).backward()
            optimizer.step()
            schedule.step()
    return net.eval()


def _quantile_loss(told: Tensor, target: Tensor) -> Tensor:
    levels = (torch.arange(QUANTILES) + 0.5) / QUANTILES
    error = target[:, None] - told
    return torch.maximum(levels * error, (levels - 1) * error).mean()


LEARNERS: Mapping[str, Learner] = {
    "as shipped": ensemble,
    "by the mean of the members": lambda known, judged: ensemble(known, judged, least=False),
    "two members": lambda known, judged: ensemble(known, judged, MEMBERS=2),
    "all members on all courses": lambda known, judged: ensemble(known, judged, BOOTSTRAP=1.0),
    "no dropout": lambda known, judged: ensemble(known, judged, DROPOUT=0.0),
    "one layer of 16": lambda known, judged: ensemble(known, judged, HIDDEN=(16,)),
    "two layers of 256": lambda known, judged: ensemble(known, judged, HIDDEN=(256, 256)),
    "a network for each head": apart,
    "without the past": forgetful,
    "gains as they are": uncounted,
    "quantiles": distributional,
    "boosted trees": trees,
}


def measure(arguments: argparse.Namespace) -> Measured:
    """Judge every learner on each fold of the courses by what it learned from the others."""
    settle()
    memory = Memory.load(arguments.folder / MEMORY)
    if arguments.quick:
        memory = memory.before(200)
    fold = np.random.default_rng(0).permutation(int(memory.course.max()) + 1)[memory.course] % FOLDS
    gains: dict[str, np.ndarray] = {}
    found: dict[str, Any] = {}
    for name, learner in LEARNERS.items():
        told = np.zeros(len(memory))
        for held in range(1 if arguments.quick else FOLDS):
            told[fold == held] = learner(_rows(memory, fold != held), _rows(memory, fold == held))
        kept = fold < (1 if arguments.quick else FOLDS)
        gains[name], share, counts = _gains(_rows(memory, kept), told[kept])
        found[name] = {"gain": float(gains[name].mean()), "moves": share, "lower": counts}
    lines = [_headline(name, gains[name], gains["as shipped"]) for name in LEARNERS]
    return lines, {"courses": len(np.unique(memory.course)), "trials": len(memory), "learners": found}


def _gains(memory: Memory, told: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Return the mean counted gain of each course, the share of trainings that are moved, and of those that end lower."""
    still = (memory.action == np.array(KEEP)).all(1)
    values = np.where(still, MARGIN, told).reshape(-1, CLONES)
    chosen = values.argmax(1)
    gained = memory.gained.reshape(-1, CLONES)[np.arange(len(values)), chosen]
    moved = ~still.reshape(-1, CLONES)[np.arange(len(values)), chosen]
    course = memory.course.reshape(-1, CLONES)[:, 0]
    means = np.array([counted(gained[course == each]).mean() for each in np.unique(course)])
    return means, float(moved.mean()), float((gained[moved] > 0).mean()) if moved.any() else 0.0


def _headline(name: str, gains: np.ndarray, shipped: np.ndarray) -> Headline:
    """Return the mean gain, with the interval of its distance to that of the shipped learner on the same courses."""
    rng = np.random.default_rng(0)
    draws = rng.integers(len(gains), size=(2000, len(gains)))
    low, high = np.percentile((gains - shipped)[draws].mean(1) + shipped.mean(), [2.5, 97.5])
    return Headline(f"gain: {name}", float(gains.mean()), low=float(low), high=float(high), better="higher")


def _moved(memory: Memory) -> tuple[np.ndarray, np.ndarray]:
    """Return the head and the move of each trial, (M,) each; of one that was left alone, the first head's."""
    head = (memory.action != np.array(KEEP)).argmax(1)
    return head, memory.action[np.arange(len(head)), head].astype(int)


def _rows(memory: Memory, rows: np.ndarray) -> Memory:
    return Memory(memory.observation[rows], memory.action[rows], memory.gained[rows], memory.course[rows])


if __name__ == "__main__":
    run("policy_learners", measure, ("--folder", {"type": Path, "default": Path("trimtab-policy"), "help": "of make policy"}))
