"""The ratings week by week: each week is predicted first and learned from then, by learners of bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

import trimtab as tt
from examples.recommender.models import SEEN, Sequence
from examples.recommender.ratings import FILMS, USERS, watched
from examples.recommender.task import DEFAULT, ndcg, recall

MEMORY, PASSES, AHEAD = 10_000, 2, 20


@dataclass(frozen=True, slots=True)
class Week:
    """What was watched in a week: inputs ``rows`` (n, 21), ``films`` (n,), and ``seen`` (n, 1683): what is not to be shown."""

    rows: Tensor
    films: Tensor
    seen: Tensor


@dataclass(frozen=True, slots=True)
class Judged:
    """How a week was predicted before it was learned from: means over its ``count`` ratings."""

    count: int
    ndcg: float
    recall: float


class Learner(Protocol):
    """``steps``: optimizer steps made so far."""

    steps: int

    def scores(self, rows: Tensor) -> Tensor: ...
    def learn(self, week: Week) -> None: ...


def weeks() -> Iterator[Week]:
    """Yield the 31 weeks."""
    everything = watched()
    seen = torch.zeros(USERS, FILMS, dtype=torch.bool)
    seen[:, 0] = True
    for number in range(int(everything.week.max()) + 1):
        chosen = torch.nonzero(everything.week == number)[:, 0]
        then = torch.empty(len(chosen), FILMS, dtype=torch.bool)
        pairs = zip(everything.user[chosen].tolist(), everything.film[chosen].tolist(), strict=True)
        for row, (user, film) in enumerate(pairs):
            then[row] = seen[user]
            seen[user, film] = True
        yield Week(*everything.rows(chosen), then)


def follow(learners: Mapping[str, Learner], *, most: int | None = None) -> dict[str, list[Judged]]:
    """Return how each of the first ``most`` weeks was predicted by what the learners made of those before it."""
    judged: dict[str, list[Judged]] = {name: [] for name in learners}
    for week in islice(weeks(), most):
        for name, learner in learners.items():
            scores = torch.cat([learner.scores(rows) for rows in week.rows.split(1024)]).masked_fill(week.seen, SEEN)
            means = [float(figure(scores, week.films).mean()) for figure in (ndcg, recall)]
            judged[name].append(Judged(len(week.films), *means))
            learner.learn(week)
    return judged


def build() -> Sequence:
    """Return a sequence model: of people who come for the first time it knows what they have just watched."""
    return Sequence(DEFAULT["width"], DEFAULT["dropout"])


class Popular:
    """Shows everyone what was watched most so far."""

    def __init__(self) -> None:
        self.counts, self.steps = torch.zeros(FILMS), 0

    def scores(self, rows: Tensor) -> Tensor:
        return self.counts.expand(len(rows), -1)

    def learn(self, week: Week) -> None:
        self.counts = self.counts + torch.bincount(week.films, minlength=FILMS)


class Carried:
    """A model that is trained on: passes through the new week and as much from memory, which holds the latest ratings.

    At the default rate, or steered by a Pilot that is told of each week how well it was predicted. A stream has no end: the
    horizon stays ``AHEAD`` weeks away. ``until``: weeks after which nothing more is learned. ``memory``: ratings that are kept.
    """

    def __init__(self, seed: int, *, steer: bool = False, until: int | None = None, memory: int = MEMORY) -> None:
        self.generator = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)
        self.model = build()
        rate, decay = DEFAULT["lr"], DEFAULT["weight_decay"]
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=rate, weight_decay=decay)
        # a week that is harder than the one before is no reason to go back to earlier weights
        self.pilot = tt.Pilot(self.optimizer, horizon=AHEAD, back=False) if steer else None
        self.until, self.memory, self.week, self.steps = until, memory, 0, 0
        self.rows, self.films = torch.empty(0, 21, dtype=torch.int64), torch.empty(0, dtype=torch.int64)

    @torch.no_grad()
    def scores(self, rows: Tensor) -> Tensor:
        return self.model.eval()(rows)

    def learn(self, week: Week) -> None:
        self.week += 1
        if self.until is not None and self.week > self.until:
            return
        predicted = 0.0 if self.pilot is None else self._loss(week)
        train_loss = sum(self._pass(week) for _ in range(PASSES)) / PASSES
        if self.pilot is not None:
            self.pilot.step(train_loss=train_loss, validation_loss=predicted)
            self.pilot.horizon = self.week + AHEAD
        self.rows, self.films = (
            torch.cat([held, new])[-self.memory :] for held, new in ((self.rows, week.rows), (self.films, week.films))
        )

    def _loss(self, week: Week) -> float:
        parts = zip(week.rows.split(1024), week.films.split(1024), strict=True)
        return sum(float(cross_entropy(self.scores(rows), films)) * len(films) for rows, films in parts) / len(week.films)

    def _pass(self, week: Week) -> float:
        again = torch.randperm(len(self.rows), generator=self.generator)[: len(week.rows)]
        rows, films = torch.cat([week.rows, self.rows[again]]), torch.cat([week.films, self.films[again]])
        self.model.train()
        total = 0.0
        for chosen in torch.randperm(len(rows), generator=self.generator).split(DEFAULT["batch_size"]):
            self.optimizer.zero_grad()
            loss = cross_entropy(self.model(rows[chosen]), films[chosen])
            loss.backward()
            self.optimizer.step()
            total += loss.item() * len(chosen)
            self.steps += 1
        return total / len(rows)


class Continual:
    """`tt.Continual`: champion, challenger and agents, with about as many steps as the others make."""

    def __init__(self, seed: int) -> None:
        self.learner = tt.Continual(build, batch_size=DEFAULT["batch_size"], memory=MEMORY, steps=24, seed=seed)
        self.steps = 0

    def scores(self, rows: Tensor) -> Tensor:
        return self.learner.predict(rows)

    def learn(self, week: Week) -> None:
        self.steps += self.learner.step(week.rows, week.films).steps
