"""Learning a policy: course after course, an ensemble of DQNs steers trainings, explores, and learns from what comes of it."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from trimtab import agents
from trimtab.agents import DQNAgent, Transition
from trimtab.metatraining.acting import careful, ladder, spread_out, stray
from trimtab.metatraining.distribution import Course, draw
from trimtab.metatraining.environment import Environment, Turn
from trimtab.policy.levers import HEADS, KEEP
from trimtab.policy.sight import FEATURES
from trimtab.seeds import derive, generator

log = logging.getLogger(__name__)

AGENT = "agent.safetensors"
STATE = "state.json"
KEEP_PREFERENCE = 0.02
"""What a change must promise beyond leaving things as they are before anything is learned."""
PARTED = 0.5
"""In how many groups of clones each sets out at another rate."""
LEAST_SPREAD = 0.03
"""The unit of rewards is by how much the clones of a training end apart in log loss, and this: less is noise on any task.

Where noise sets the end, they end some hundredths apart; where the loss goes on falling, by powers of ten. Without a unit of
their own the first would not be heard beside the second.
"""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a learning is: ``courses`` that were steered, ``seconds`` that they took, and the trainings in them."""

    courses: int = 0
    trainings: int = 0
    seconds: float = 0.0


def new_agent(seed: int, **options: Any) -> DQNAgent:
    """Return a fresh ensemble with the heads of a policy."""
    prior = [np.where(np.arange(moves) == keep, 0.0, -KEEP_PREFERENCE) for moves, keep in zip(HEADS, KEEP, strict=True)]
    chosen: dict[str, Any] = {
        "hidden": (128, 128),
        "members": 5,
        "n_step": 5,
        "gamma": 1.0,
        "lr": 5e-4,
        "lr_end": 5e-5,
        "lr_steps": 2_000_000,
        "batch_size": 512,
        "buffer": 500_000,
        "learning_starts": 5_000,
        "train_every": 64,
        "gradient_steps": 2,
        "target_every": 64,
        "tau": 0.01,
        "coordination": "value-decomposition",
        "normalise_rewards": "scale",
        "prior": prior,
        "prior_scale": 0.05,
        "bootstrap": 0.8,
    }
    agent = agents.make("dqn", features=len(FEATURES), heads=HEADS, seed=seed, **(chosen | options))
    assert isinstance(agent, DQNAgent)
    return agent


def learn(
    folder: Path,
    *,
    seed: int,
    courses: int,
    save_seconds: float = 600.0,
    judge: Callable[[DQNAgent, Progress], None] | None = None,
    judge_every: int = 150,
    choose: Callable[[np.random.Generator], Course] = draw,
    options: dict[str, Any] | None = None,
) -> DQNAgent:
    """Learn on ``courses`` courses, go on where ``folder`` was left, and leave there the agent with all that it remembers.

    ``choose`` draws a course: a policy may be learned on trainings of one's own. ``judge`` is called every ``judge_every`` of
    them, and at the end.
    """
    folder.mkdir(parents=True, exist_ok=True)
    agent, progress = _resumed(folder) or (new_agent(seed, **(options or {})), Progress())
    saved = time.monotonic()
    while progress.courses < courses:
        began = time.monotonic()
        rng = generator(seed, "course", progress.courses)
        course = choose(rng)
        report = steer(agent, course, rng, seed=derive(seed, "course", progress.courses))
        seconds = time.monotonic() - began
        progress = Progress(progress.courses + 1, progress.trainings + len(course.values), progress.seconds + seconds)
        log.info("%s", json.dumps({**asdict(progress), "course": course.name, "took": round(seconds, 1), **report}))
        if time.monotonic() - saved > save_seconds or progress.courses == courses:
            _save(folder, agent, progress)
            saved = time.monotonic()
        if judge is not None and (progress.courses % judge_every == 0 or progress.courses == courses):
            judge(agent, progress)
    return agent


def steer(agent: DQNAgent, course: Course, rng: np.random.Generator, *, seed: int) -> dict[str, float]:
    """Steer the trainings of ``course`` with exploration, learn from them, and return what to log.

    Of the clones of each training the last is left alone, and what the others gain is counted from there: all that the data,
    the model and chance have done to both is taken off. The first of them follows the agent to the letter; in half of the
    groups the others set out at different rates.
    """
    environment = Environment(course, seed=seed)
    sets = course.draws.sets
    clone = np.arange(len(sets)) - np.searchsorted(sets, sets)
    clones = int(clone.max()) + 1
    alone = clone == clones - 1
    epsilon = ladder(clones)[clone]
    parted = (clone > 0) & (rng.random(sets.max() + 1) < PARTED)[sets]
    turn = environment.start()
    lived: list[tuple[Turn, np.ndarray, Turn]] = []
    while not turn.done:
        actions = stray(careful(agent, turn.observation, turn.masks), turn.masks, epsilon, rng)
        if not lived:
            actions = spread_out(actions, clone, parted)
        actions[alone] = KEEP
        after = environment.step(actions)
        lived.append((turn, actions, after))
        turn = after
    gained = environment.error[alone][sets] - environment.error
    unit = LEAST_SPREAD + (np.bincount(sets, np.abs(gained)) / (clones - 1))[sets]
    for before, actions, after in lived:
        remember(agent, before, actions, after, (after.reward - after.reward[alone][sets]) / unit)
    timid = gained[clone == 0]
    return {
        "gain": round(float(np.mean(timid)), 4),
        "won": round(float(np.mean(timid > 0)), 4),
        "spread": round(float(np.median(unit)), 4),
        "divergences": int(environment.divergences.sum()),
    }


def remember(agent: DQNAgent, turn: Turn, actions: np.ndarray, after: Turn, reward: np.ndarray) -> None:
    """Give ``agent`` the N transitions from ``turn`` by ``actions`` to ``after``."""
    for row in range(len(actions)):
        agent.learn(
            Transition(
                observation=turn.observation[row],
                action=tuple(map(int, actions[row])),
                reward=float(reward[row]),
                next_observation=after.observation[row],
                terminated=after.done,
                next_masks=[mask[row] for mask in after.masks],
                stream=row,
            )
        )


def _resumed(folder: Path) -> tuple[DQNAgent, Progress] | None:
    if not (folder / STATE).exists():
        return None
    agent = agents.decode((folder / AGENT).read_bytes())
    assert isinstance(agent, DQNAgent)
    return agent, replace(Progress(), **json.loads((folder / STATE).read_text(encoding="utf-8")))


def _save(folder: Path, agent: DQNAgent, progress: Progress) -> None:
    """Write both files whole: the state last, so that it never tells of an agent that is not there."""
    for name, content in ((AGENT, agent.encode()), (STATE, json.dumps(asdict(progress)).encode())):
        part = folder / f"{name}.part"
        part.write_bytes(content)
        part.replace(folder / name)
