"""A learner of a stream: every chunk is predicted first and trained on then, by a champion and a challenger."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from trimtab.continual.archive import Archive
from trimtab.continual.arriving import Arriving
from trimtab.continual.branch import HUNGRY, START, Branch
from trimtab.continual.deciding import Deciders, Trial, challenged, log_ratio, observe
from trimtab.continual.drift import Drift
from trimtab.continual.measuring import Measuring
from trimtab.continual.memory import Memory, Yardsticks, taken
from trimtab.continual.mixing import mixed, shares
from trimtab.errors import TaskError
from trimtab.seeds import derive
from trimtab.space import Settings
from trimtab.task.batches import Batch
from trimtab.task.evaluation import pair
from trimtab.task.goals import resolve_loss
from trimtab.task.nest import length
from trimtab.task.options import check_callables, check_counts
from trimtab.task.randomness import seeded

WITHHELD = 20
"""One example in so many is not trained on: it shows later what was forgotten."""


@dataclass(frozen=True, slots=True)
class Report:
    """One chunk of a stream.

    ``loss`` and ``metrics``: of what was predicted, before training. ``losses``, ``shares``: of champion and challenger,
    and the share of each in the prediction. ``settings``: under which each was then trained, with ``steps`` steps together.
    ``trial``: what the challenger tries, such as "lr 0.002 -> 0.006"; empty without one. ``won``: whether it has now taken the
    champion's place. ``drift``: whether the loss has risen for good. ``seconds``: of it all.
    """

    index: int
    examples: int
    loss: float
    metrics: Mapping[str, float]
    losses: tuple[float, ...]
    shares: tuple[float, ...]
    settings: tuple[Settings, ...]
    steps: int
    trial: str
    won: bool
    drift: bool
    seconds: float


class Continual:
    """Trains for as long as data arrive.

    A champion learns from every chunk. Beside it a challenger differs in one thing that the agents want to try: a setting, or
    where its weights come from. After ``trial`` chunks the better one is the champion, and the agents have learned what the
    move was worth. Both predict together, each in the share that its loss of late has earned.

    ``build()`` returns a model. ``loss``: a name in ``losses.LOSSES`` or a callable (output, target) that returns the mean.
    ``steps``: optimizer steps a chunk, of champion and challenger together, of ``batch_size`` examples; up to five times as
    many in the first twenty chunks. ``memory``: examples that are kept to be trained on again. ``agent``: "dqn", "sarsa" or
    "q-learning" (one agent each for the rate, the weight decay, the share and the window of what is trained on again, and where
    weights come from), "random", or None: a champion alone. The same seed and stream give the same run.

    >>> learner = Continual(lambda: nn.Linear(2, 2), loss="cross_entropy", seed=0)
    >>> report = learner.step(torch.randn(8, 2), torch.randint(2, (8,)))
    >>> report.index, report.examples
    (0, 8)
    """

    def __init__(
        self,
        build: Callable[[], nn.Module],
        *,
        loss: str | Callable[[Any, Any], Tensor] = "cross_entropy",
        steps: int = 24,
        batch_size: int = 32,
        memory: int = 2000,
        trial: int = 8,
        agent: str | None = "dqn",
        seed: int = 0,
    ) -> None:
        check_callables(build=build)
        check_counts(steps=steps, batch_size=batch_size, memory=memory, trial=trial)
        self.build, self.steps, self.batch_size, self.trial, self.seed = build, steps, batch_size, trial, seed
        self.measuring = Measuring(resolve_loss(loss))
        self.deciders = None if agent is None else Deciders(agent, derive(seed, "agent"))
        self.branches = [Branch(self._built("champion"), START)]
        self.memory, self.yardsticks = Memory(memory), Yardsticks(most=max(8, memory // 64))
        self.drift, self.index = Drift(), 0
        self._arriving = Arriving(indices=self.measuring.named.indices)
        self._archive = Archive()
        self._trial: Trial | None = None
        self._told, self._rest = "", 0
        self._level = math.nan

    def step(self, inputs: Any, targets: Any) -> Report:
        """Predict ``targets`` from ``inputs`` (a tensor, or a tuple of them), then train on both.

        Raises DataError, with nothing changed, where there are no examples, or they are not like those before: other
        columns, labels that the model has no output for, numbers that are not finite.
        """
        began = time.perf_counter()
        chunk = self._arriving.check(inputs, targets)
        outputs = [branch.output(chunk) for branch in self.branches]
        self._arriving.check_labels(chunk, outputs[0])
        weights = self.shares
        mixture = mixed(outputs, weights, classes=self.measuring.named.indices)
        metrics = self.measuring.metrics(mixture, chunk)
        losses = [self.measuring.loss(output, pair(chunk)[1]).item() for output in outputs]
        for branch, each in zip(self.branches, losses, strict=True):
            branch.note(each)
        drifted = self.drift.update(self.measuring.errors(mixture, chunk))
        if drifted:
            for branch in self.branches:
                branch.hunger = max(branch.hunger, HUNGRY // 2)
        won = self._judge(losses, drifted, chunk) if self.deciders is not None else False
        settings = tuple(branch.settings for branch in self.branches)
        steps = self._train(chunk)
        self.index += 1
        found = (tuple(losses), tuple(weights), settings, steps, self._told, won, drifted, time.perf_counter() - began)
        return Report(self.index - 1, length(chunk), metrics.pop("loss"), metrics, *found)

    def predict(self, inputs: Any) -> Any:
        """Return the output for ``inputs``: log-probabilities where the loss is of classes, else as the model's."""
        batch = self._arriving.check_inputs(inputs)
        return mixed([branch.output(batch) for branch in self.branches], self.shares, classes=self.measuring.named.indices)

    @property
    def shares(self) -> list[float]:
        """What champion and challenger have in a prediction."""
        return shares([branch.recent for branch in self.branches])

    def forgetting(self) -> float:
        """Return how much the loss on withheld examples has risen since right after their time: mean over earlier periods.

        NaN before the second period has ended. Chaudhry et al. 2018, of losses.
        """
        ended = len(self.yardsticks.levels)
        earlier = zip(self.yardsticks.periods[: ended - 1], self.yardsticks.levels[: ended - 1], strict=True)
        rises = [self._prediction_loss(period) - level for period, level in earlier]
        return float(np.mean(rises)) if rises else math.nan

    def state_dict(self) -> dict[str, Any]:
        """Return all that a learner needs to go on exactly, as tensors and plain values: ``torch.save`` takes it."""
        deciders = self.deciders
        return {
            "index": self.index,
            "branches": [branch.state() for branch in self.branches],
            "deciders": None if deciders is None else deciders.state(),
            "trial": None if self._trial is None else self._trial.state(),
            "told": self._told,
            "rest": self._rest,
            "level": self._level,
            "memory": self.memory.kept,
            "periods": (list(self.yardsticks.periods), list(self.yardsticks.levels), self.yardsticks.span),
            "drift": (list(self.drift.errors), self.drift.unit, self.drift.since),
            "archive": (copy.deepcopy(self._archive.kept), self._archive.every),
            "form": self._arriving.form,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from ``state``, of a learner that was made with the same arguments."""
        if (state["deciders"] is None) != (self.deciders is None):
            raise TaskError("state: expected that of a learner with the same agent")
        self.branches = [Branch(self._built("champion"), START) for _ in state["branches"]]
        for branch, told in zip(self.branches, state["branches"], strict=True):
            branch.restore(told)
        if self.deciders is not None:
            self.deciders.restore(state["deciders"])
        self._trial = None if state["trial"] is None else Trial.restored(state["trial"])
        self.index, self._told, self._rest, self._level = (state[name] for name in ("index", "told", "rest", "level"))
        self.memory.kept = state["memory"]
        periods, levels, self.yardsticks.span = state["periods"]
        self.yardsticks.periods, self.yardsticks.levels = [tuple(period) for period in periods], list(levels)
        errors, unit, since = state["drift"]
        self.drift = Drift(errors, unit=unit, since=since)
        self._archive.kept, self._archive.every = copy.deepcopy(state["archive"][0]), state["archive"][1]
        self._arriving.form = state["form"]

    def _built(self, *keys: int | str) -> nn.Module:
        with seeded(derive(self.seed, *keys), torch.device("cpu")):
            model: object = self.build()
        if not isinstance(model, nn.Module):
            raise TaskError(f"build: expected it to return a torch.nn.Module, got {type(model).__name__}")
        return model

    def _prediction_loss(self, batch: Batch) -> float:
        inputs, target = pair(batch)
        return self.measuring.loss(self.predict(tuple(inputs)), target).item()

    def _judge(self, losses: list[float], drifted: bool, chunk: Batch) -> bool:
        """Take ``losses`` into the trial; where it is decided, or the stream has changed, begin another. Return who won."""
        assert self.deciders is not None
        if not math.isfinite(self._level):
            self._level = losses[0]
        self._level += 0.05 * (losses[0] - self._level) if math.isfinite(losses[0]) else 0.0
        self._rest = 0 if drifted else max(0, self._rest - 1)
        if self._rest:
            return False
        if self._trial is not None:
            self._trial.gains.append(log_ratio(losses[0], losses[1]))
            if not (drifted or self._trial.lost or len(self._trial.gains) >= self.trial):
                return False
        champion, won = self.branches[0], False
        seen = observe(
            champion.settings, trend=log_ratio(champion.recent, self._level), since_drift=self.drift.since, index=self.index
        )
        if self._trial is not None:
            self.deciders.learn(self._trial, seen)
            won = self._trial.won
            champion = self.branches[1] if won else champion
        origins = (True, bool(self._archive.kept), self.index > 0)
        self._trial = self.deciders.propose(seen, champion.settings, origins=origins, changed=drifted)
        if self._trial is None:
            self.branches, self._told, self._rest = [champion], "", self.trial
        else:
            self.branches = [champion, self._challenger(champion, self._trial, chunk)]
        return won

    def _challenger(self, champion: Branch, trial: Trial, chunk: Batch) -> Branch:
        settings, origin = challenged(champion.settings, trial)
        challenger = Branch(self._built("new", self.index), settings, recent=champion.recent)
        if origin == "champion":
            challenger.load(champion.weights())
            challenger.hunger = champion.hunger
        elif origin == "earlier":
            challenger.load(self._archive.fittest(lambda weights: self._archived_loss(weights, challenger, chunk)))
            challenger.hunger = 0
        before = champion.settings
        changed = [f"{name} {before[name]:.3g} -> {settings[name]:.3g}" for name in settings if settings[name] != before[name]]
        self._told = changed[0] if changed else f"{origin} weights"
        return challenger

    def _archived_loss(self, weights: dict[str, Any], branch: Branch, chunk: Batch) -> float:
        branch.model.load_state_dict(weights["model"])
        loss = self.measuring.loss(branch.output(chunk), pair(chunk)[1]).item()
        return loss if math.isfinite(loss) else math.inf

    def _train(self, chunk: Batch) -> int:
        total = length(chunk)
        generator = torch.Generator().manual_seed(derive(self.seed, "chunk", self.index))
        order = torch.randperm(total, generator=generator)
        withheld = order[: total // WITHHELD if total >= WITHHELD else int(self.index % WITHHELD == 0 and total > 1)]
        learned = taken(chunk, order[len(withheld) :].sort().values)
        made, each = 0, max(1, self.steps // len(self.branches))
        state = generator.get_state()
        for branch in self.branches:
            # the same examples in the same order: what differs is what is tried
            generator.set_state(state)
            with seeded(derive(self.seed, "train", self.index), torch.device("cpu")):
                made += branch.train(
                    learned, self.memory, loss=self.measuring.loss, steps=each, batch_size=self.batch_size, generator=generator
                )
        self.memory.add(learned)
        if len(withheld) and self.yardsticks.add(taken(chunk, withheld), self.index):
            self.yardsticks.close(self._prediction_loss(self.yardsticks.periods[-1]))
        self._archive.add(self.branches[0].weights(), self.index)
        return made
