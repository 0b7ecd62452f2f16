"""How far a study is from greed: what it gets of the gap between a greedy oracle and a tree oracle over the same moves.

All begin with the same settings at a constant rate and train runs of nine segments, a third of those of ``benchmarks.study``.
A move halves or doubles the batch, or divides or multiplies the rate by three, or keeps both. What counts is the logarithm of
the lowest validation loss on the way.

- The greedy oracle tries every move at every segment and keeps what is lowest after it.
- The tree oracle is a beam search of twenty times its cost. Half of the beam are the lowest by loss, half the lowest at each
  rate in turn: by loss alone a beam is greedy too, for a high rate looks bad until it falls.
- Population-based training (Jaderberg et al. 2017): as many segments as the greedy oracle, in a population of five.
- trimtab: a study of as many segments, over rate and batch only; as it ships (its rate falls in a straight line where nothing
  is moved), and at a constant rate like the others. It may begin new runs in the same space.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import trimtab as tt
from benchmarks.results import Headline, Measured, interval, run
from benchmarks.study_suite.ours import MOMENTUM
from benchmarks.study_suite.problems import PROBLEMS, Problem
from benchmarks.study_suite.space import DEFAULT, NUMBERS
from benchmarks.study_suite.static import Training
from trimtab.metatraining.learning import settle

CHOSEN = ("subjectivity", "survival", "electricity")
SEEDS, LENGTH, BEAM, POPULATION = 3, 9, 20, 5
MOVES: Sequence[Mapping[str, float]] = ({}, {"lr": 1 / 3}, {"lr": 3.0}, {"batch_size": 0.5}, {"batch_size": 2.0})
START: Mapping[str, Any] = {**DEFAULT, "schedule": "constant"}


@dataclass(frozen=True, slots=True)
class Leaf:
    """A training on its way: the lowest loss so far, and the loss after its last segment."""

    training: Training
    lowest: float = math.inf
    last: float = math.inf

    def after(self, move: Mapping[str, float]) -> Leaf:
        """Return what comes of one more segment under ``move``; this one stays as it is."""
        training = self.training.copy()
        training.change({name: _moved(name, training.settings[name] * factor) for name, factor in move.items()})
        loss = training.advance()
        return Leaf(training, min(self.lowest, loss), loss)

    @property
    def rate(self) -> float:
        return float(self.training.settings["lr"])


def _moved(name: str, value: float) -> float | int:
    number = NUMBERS[name]
    value = min(number.high, max(number.low, value))
    return round(value) if number.whole else value


def root(problem: Problem, seed: int) -> Leaf:
    return Leaf(Training(problem, START, seed, horizon=LENGTH))


def greedy(start: Leaf, *, length: int = LENGTH) -> float:
    """Return the lowest loss on the way of the lowest next segment."""
    leaf = start
    for _ in range(length):
        leaf = min((leaf.after(move) for move in MOVES), key=lambda each: each.last)
    return leaf.lowest


def tree(start: Leaf, *, length: int = LENGTH, width: int = BEAM) -> float:
    """Return the lowest loss that a beam of ``width`` finds; the greedy way is always among what it follows."""
    beam, ahead = [start], start
    lowest = math.inf
    for _ in range(length):
        children = {id(leaf): [leaf.after(move) for move in MOVES] for leaf in beam}
        ahead = min(children[id(ahead)], key=lambda each: each.last)
        every = [child for each in children.values() for child in each]
        lowest = min(lowest, *(child.lowest for child in every))
        beam = _kept(every, ahead, width)
    return lowest


def _kept(leaves: Sequence[Leaf], ahead: Leaf, width: int) -> list[Leaf]:
    """Return ``width`` leaves: ``ahead``, the lowest, and the lowest of each rate in turn."""
    ordered = sorted(leaves, key=lambda leaf: leaf.last)
    kept = [ahead, *(leaf for leaf in ordered[: width // 2] if leaf is not ahead)]
    by_rate: dict[float, list[Leaf]] = {}
    for leaf in ordered:
        if not any(leaf is other for other in kept):
            by_rate.setdefault(round(math.log(leaf.rate), 6), []).append(leaf)
    while len(kept) < width and any(by_rate.values()):
        for rate in sorted(by_rate):
            if by_rate[rate] and len(kept) < width:
                kept.append(by_rate[rate].pop(0))
    return kept


def population(start: Leaf, seed: int, *, length: int = LENGTH, size: int = POPULATION) -> float:
    """Return the lowest loss of a population whose worst member goes on from the best one, under settings near its own."""
    rng = np.random.default_rng(seed)
    factors = [{"lr": float(10 ** rng.uniform(-1, 1))} if member else {} for member in range(size)]
    members = [start.after(factor) for factor in factors]
    for _ in range(length - 1):
        worst, best = (choose(range(size), key=lambda each: members[each].last) for choose in (max, min))
        moves: list[Mapping[str, float]] = [{} for _ in members]
        lowest = members[worst].lowest
        members[worst], moves[worst] = members[best], {name: float(rng.choice([0.8, 1.25])) for name in ("lr", "batch_size")}
        lowest = min(lowest, *(member.lowest for member in members))
        members = [member.after(move) for member, move in zip(members, moves, strict=True)]
        members[worst] = Leaf(members[worst].training, min(lowest, members[worst].lowest), members[worst].last)
    return min(member.lowest for member in members)


def study(problem: Problem, seed: int, *, reference: str, length: int = LENGTH) -> float:
    """Return the lowest loss of a study over the same two hyperparameters with as many segments as the greedy oracle."""
    data = problem.data()
    fixed = {name: value for name, value in START.items() if name not in ("lr", "batch_size", "schedule")}
    task = tt.TorchTask(
        build=lambda _: problem.build(fixed),
        train=(data.train.x, data.train.y),
        validation=(data.validation.x, data.validation.y),
        loss=problem.loss.function,
        evaluation_batch=problem.loss.chunk,
        segment=f"{problem.segment} examples",
        reference=reference,
        defaults={"optimizer": fixed["optimizer"], "weight_decay": fixed["weight_decay"], "momentum": MOMENTUM},
    )
    rate, batch = NUMBERS["lr"], NUMBERS["batch_size"]
    space = tt.Space(lr=tt.Float(rate.low, rate.high, log=True), batch_size=tt.Int(int(batch.low), int(batch.high), log=True))
    with tempfile.TemporaryDirectory() as folder:
        result = tt.Study(
            task,
            space,
            budget=tt.Budget(segments=len(MOVES) * length),
            horizon=length,
            start={"lr": START["lr"], "batch_size": START["batch_size"]},
            store=Path(folder) / "study.db",
            seed=seed,
        ).run()
        return math.exp(result.best.error)


def closed(loss: float, greedy_loss: float, tree_loss: float) -> float:
    """Return which share of the gap between greed and the tree a loss closes, on the logarithm's scale.

    >>> closed(4.0, 4.0, 1.0), closed(2.0, 4.0, 1.0), closed(1.0, 4.0, 1.0)
    (0.0, 0.5, 1.0)
    """
    return math.log(greedy_loss / loss) / math.log(greedy_loss / tree_loss)


Method = Callable[[Problem, int], float]
METHODS: Mapping[str, Method] = {
    "greedy": lambda problem, seed: greedy(root(problem, seed)),
    "tree": lambda problem, seed: tree(root(problem, seed)),
    "pbt": lambda problem, seed: population(root(problem, seed), seed),
    "trimtab": lambda problem, seed: study(problem, seed, reference="linear"),
    "trimtab at a constant rate": lambda problem, seed: study(problem, seed, reference="constant"),
}


def measure(arguments: argparse.Namespace) -> Measured:
    """Run every method on every problem and seed."""
    settle()
    chosen, seeds = (CHOSEN[:1], 1) if arguments.quick else (CHOSEN, SEEDS)
    losses = {
        f"{name} {seed}": {method: call(PROBLEMS[name], seed) for method, call in METHODS.items()}
        for name in chosen
        for seed in range(seeds)
    }
    gaps = [each for each in losses.values() if each["tree"] < each["greedy"]]
    shares = {
        method: [closed(each[method], each["greedy"], each["tree"]) for each in gaps]
        for method in METHODS
        if method not in ("greedy", "tree")
    }
    peer = float(np.median(shares["pbt"]))
    lines = [
        Headline(
            f"gap to the tree oracle closed: {method}",
            float(np.median(found)),
            "pbt",
            peer,
            low=interval(found)[0],
            high=interval(found)[1],
            seeds=len(found),
            better="higher",
        )
        for method, found in shares.items()
    ]
    return lines, {"lowest validation losses": losses, "without a gap": len(losses) - len(gaps), "closed": shares}


if __name__ == "__main__":
    run("study_oracle", measure)
