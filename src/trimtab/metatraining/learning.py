"""Learning a policy: course after course, trainings are cloned and changes tried on the clones; an ensemble learns their worth.

What is learned is the gain of a change over leaving the run alone from there on, told by whole runs and not by estimates of
estimates: one step of policy iteration by rollouts (Bertsekas 2020, section 2.1) from the reference schedule. A policy that
makes the changes of positive gain is better than that; and what was learned stays true however the policy changes.
"""

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
from trimtab.metatraining.acting import careful, stray, trials
from trimtab.metatraining.distribution import Course, draw
from trimtab.metatraining.environment import PRICE, Environment, Turn
from trimtab.policy.levers import HEADS, KEEP
from trimtab.policy.sight import FEATURES
from trimtab.seeds import derive, generator

log = logging.getLogger(__name__)

AGENT = "agent.safetensors"
STATE = "state.json"
KEEP_PREFERENCE = 0.02
"""What a change must promise beyond leaving things as they are before anything is learned."""
CLONES = 8
"""Of each training where a trial is made: one is left alone, the others each change one thing."""
STRAYS = 0.5
"""In how many trainings there are strays before the trial."""
EARLY = 0.25
"""How many trials are made in the first three looks."""
NOTED = 0.02
"""A gain g in final log loss counts as g / (NOTED + |g|), from −1 to 1: less is noise on any task, and far more is no better.

Where noise sets the end, changes are worth some hundredths; where the loss goes on falling, powers of ten. Unsquashed the first
would not be heard beside the second.
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
        "n_step": 1,
        "gamma": 1.0,
        "lr": 5e-4,
        "lr_end": 5e-5,
        "lr_steps": 200_000,
        "batch_size": 512,
        "buffer": 300_000,
        "learning_starts": 2_000,
        "train_every": 64,
        "gradient_steps": 8,
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
        progress = Progress(progress.courses + 1, progress.trainings + CLONES * len(course.values), progress.seconds + seconds)
        log.info("%s", json.dumps({**asdict(progress), "course": course.name, "took": round(seconds, 1), **report}))
        if time.monotonic() - saved > save_seconds or progress.courses == courses:
            _save(folder, agent, progress)
            saved = time.monotonic()
        if judge is not None and (progress.courses % judge_every == 0 or progress.courses == courses):
            judge(agent, progress)
    return agent


def steer(agent: DQNAgent, course: Course, rng: np.random.Generator, *, seed: int) -> dict[str, float]:
    """Try what changes are worth in the trainings of ``course``, learn from it, and return what to log.

    The trainings are steered up to a look that is drawn: by ``agent``, and in half of them with strays. There each is cloned:
    one clone is left alone, every other moves one lever and is then left alone as well. By how much lower it ends is what the
    move was worth: same weights, same data in the same order, and nothing else that differs.
    """
    environment = Environment(course, seed=seed)
    turn = environment.start()
    strays = rng.random(len(course.values)) < STRAYS
    until = _look(rng, environment.looks)
    for look in range(until):
        actions = stray(careful(agent, turn.observation, turn.masks), turn.masks, strays, rng, first=look == 0)
        turn = environment.step(actions)
    tried = np.concatenate([trials([mask[row] for mask in turn.masks], CLONES, rng) for row in range(len(strays))])
    rows = np.repeat(np.arange(len(strays)), CLONES)
    gained, divergences = worth(environment.take(rows), tried)
    reward = gained / (NOTED + np.abs(gained))
    remember(agent, turn.take(rows), tried, reward)
    moved = (tried != KEEP).any(1)
    return {
        "look": until,
        "better": round(float((gained[moved] > 0).mean()), 3),
        "by half": round(float(np.median(np.abs(gained[moved]))), 4),
        "divergences": divergences,
    }


def worth(environment: Environment, tried: np.ndarray) -> tuple[np.ndarray, int]:
    """Return how much lower each of the clones in ``environment`` ends in log loss if it does what is ``tried``, (N, heads).

    Lower than the first of its CLONES. A divergence counts PRICE; their number is returned too.
    """
    before = environment.divergences.copy()
    turn = environment.step(tried)
    still = np.tile(KEEP, (len(tried), 1))
    while not turn.done:
        turn = environment.step(still)
    divergences = environment.divergences - before
    ends = environment.error + PRICE * divergences
    return np.repeat(ends[::CLONES], CLONES) - ends, int(divergences.sum())


def _look(rng: np.random.Generator, looks: int) -> int:
    """Return after how many of ``looks`` a trial is made: often in the first few, and rather early than late."""
    return int(rng.integers(3)) if rng.random() < EARLY else int(looks * rng.random() ** 1.5)


def remember(agent: DQNAgent, turn: Turn, actions: np.ndarray, reward: np.ndarray) -> None:
    """Give ``agent`` what the N ``actions`` at ``turn`` were worth: each a whole episode, as nothing is done after it."""
    for row in range(len(actions)):
        agent.learn(
            Transition(
                observation=turn.observation[row],
                action=tuple(map(int, actions[row])),
                reward=float(reward[row]),
                next_observation=turn.observation[row],
                terminated=True,
                next_masks=[mask[row] for mask in turn.masks],
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
