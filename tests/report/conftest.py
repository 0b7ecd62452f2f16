"""A small study of real trainings: softmax regression on handwritten digits, stepped in NumPy, steered by learners."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

import numpy as np
import pytest
from sklearn.datasets import load_digits

from trimtab.space import Bool, Categorical, Float, Int, Settings, Space, show
from trimtab.store.records import (
    BoundChanged,
    BranchEnded,
    Choice,
    Event,
    ForkRequested,
    HeadChoice,
    Job,
    Node,
    SegmentFailed,
    SegmentFinished,
    SettingFixed,
    StudyCreated,
    StudyFinished,
)
from trimtab.task import Goal, Measurement, Telemetry

HORIZON = 12
SPACE = Space(
    lr=Float(1e-4, 30.0, log=True),
    batch_size=Int(16, 512, log=True),
    weight_decay=Float(1e-6, 1e-1, log=True),
    dropout=Float(0.0, 0.6),
    optimizer=Categorical("sgd", "adam", "rmsprop"),
    momentum=Float(0.0, 0.99, when={"optimizer": "sgd"}),
    label_smoothing=Float(0.0, 0.2),
    noise=Float(0.0, 0.5),
    shuffle=Bool(),
    init_scale=Float(1e-3, 1.0, log=True, live=False),
)


def split_digits():
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = (x[order] / 16.0).astype(float), y[order]
    return (x[:1000], y[:1000]), (x[1000:1400], y[1000:1400])


def log_softmax(z):
    z = z - z.max(axis=1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


@dataclass
class Training:
    """Weights and optimizer state of a softmax regression."""

    weights: np.ndarray
    first: np.ndarray
    second: np.ndarray
    steps: int = 0

    def copy(self):
        return Training(self.weights.copy(), self.first.copy(), self.second.copy(), self.steps)


def with_bias(x):
    return np.hstack([x, np.ones((len(x), 1))])


def start(settings, seed):
    weights = np.random.default_rng(seed).normal(0, settings["init_scale"], (65, 10))
    return Training(weights, np.zeros_like(weights), np.zeros_like(weights))


def step(training, gradient, settings):
    lr, kind = settings["lr"], settings["optimizer"]
    training.steps += 1
    if kind == "sgd":
        training.first = settings["momentum"] * training.first + gradient
        training.weights -= lr * training.first
        return
    training.second = 0.98 * training.second + 0.02 * gradient**2
    training.first = 0.9 * training.first + 0.1 * gradient if kind == "adam" else gradient
    training.weights -= 0.1 * lr * training.first / (np.sqrt(training.second) + 1e-6)


def measure(training, split):
    with np.errstate(all="ignore"):
        logs = log_softmax(with_bias(split[0]) @ training.weights)
    loss = float(-logs[np.arange(len(split[1])), split[1]].mean())
    return {"loss": loss, "accuracy": float((logs.argmax(axis=1) == split[1]).mean())}


def advance(training, settings, seed, splits):
    """Train half an epoch in place and return its measurement."""
    (x, y), validation = splits
    rng, begun = np.random.default_rng(seed), time.perf_counter()
    order = rng.permutation(len(x))[: len(x) // 2] if settings["shuffle"] else np.arange(len(x) // 2)
    losses, norms, before = [], [], training.weights.copy()
    with np.errstate(all="ignore"):
        for low in range(0, len(order), settings["batch_size"]):
            rows = order[low : low + settings["batch_size"]]
            inputs = x[rows] + rng.normal(0, settings["noise"] + 1e-12, (len(rows), 64))
            inputs = with_bias(inputs * (rng.random(inputs.shape) >= settings["dropout"]))
            logs = log_softmax(inputs @ training.weights)
            smooth = settings["label_smoothing"]
            targets = np.eye(10)[y[rows]] * (1 - smooth) + smooth / 10
            losses.append(float(-(targets * logs).sum(axis=1).mean()))
            gradient = inputs.T @ (np.exp(logs) - targets) / len(rows) + settings["weight_decay"] * training.weights
            norms.append(float(np.linalg.norm(gradient)))
            step(training, gradient, settings)
    metrics = measure(training, validation)
    diverged = not math.isfinite(metrics["loss"]) or metrics["loss"] > 60
    if diverged:
        metrics = {"loss": math.nan, "accuracy": math.nan}
    moved = training.weights - before
    return Measurement(
        metrics=metrics,
        train_loss=float(np.mean(losses)),
        steps=len(losses),
        examples=len(order),
        epochs=0.5,
        seconds=time.perf_counter() - begun,
        telemetry=Telemetry(
            tuple(losses[-8:]), tuple(norms[-8:]), float(np.linalg.norm(training.weights)), float(np.linalg.norm(moved))
        ),
        status="diverged" if diverged else "finished",
    )


@dataclass
class Learner:
    """One ensemble of running means for each head and move: small, but it does learn which moves paid."""

    rng: np.random.Generator
    members: int = 5
    values: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self):
        for name in SPACE.live:
            self.values[name] = self.rng.normal(0.1, 0.06, (self.members, len(SPACE[name].moves)))

    def decide(self, settings, epsilon=0.15):
        heads, action = [], []
        for name, mask in zip(SPACE.live, SPACE.masks(settings), strict=True):
            values = np.where(mask, self.values[name].mean(axis=0), -math.inf)
            explored = bool(self.rng.random() < epsilon and mask.sum() > 1)
            keep = SPACE.keep()[SPACE.live.index(name)]
            calm = keep if self.rng.random() < 0.55 else int(values.argmax())
            chosen = int(self.rng.choice(np.flatnonzero(mask))) if explored else calm
            heads.append(
                HeadChoice(
                    name=name,
                    agent="running means",
                    moves=tuple(str(move) for move in SPACE[name].moves),
                    values=tuple(map(float, values)),
                    spreads=tuple(map(float, self.values[name].std(axis=0))),
                    chosen=chosen,
                    explored=explored,
                )
            )
            action.append(chosen)
        return tuple(heads), tuple(action)

    def learn(self, heads, reward):
        for head in heads:
            rates = self.rng.uniform(0, 0.3, self.members)
            column = self.values[head.name][:, head.chosen]
            self.values[head.name][:, head.chosen] = column + rates * (reward - column)


class Study:
    """Issues and runs segments, keeps their states, and remembers the events."""

    def __init__(self, seed=0):
        self.goal = Goal()
        self.splits = split_digits()
        self.learner = Learner(np.random.default_rng(seed))
        self.nodes, self.states, self.issued = {}, {}, 0
        config = {
            "space": SPACE.to_record(),
            "budget": {"segments": 60},
            "agent": "running means",
            "seed": seed,
            "name": "digits",
        }
        self.events: list[Event] = [StudyCreated(config, "softmax regression on digits", None)]

    def job(self, parent, settings, choice, root_seed=0):
        self.issued += 1
        node = self.nodes.get(parent)
        return Job(
            node=self.issued,
            parent=parent,
            root=node.job.root if node else self.issued,
            checkpoint=node.checkpoint if node else None,
            settings=settings,
            index=node.job.index + 1 if node else 0,
            horizon=HORIZON,
            run_seed=node.job.run_seed if node else root_seed,
            seed=self.issued,
            choice=choice,
        )

    def run(self, parent, settings, choice, root_seed=0):
        job = self.job(parent, settings, choice, root_seed)
        training = self.states[parent].copy() if parent else start(settings, job.run_seed)
        loss = measure(training, self.splits[1])
        before = None if parent else Measurement(metrics=loss, train_loss=measure(training, self.splits[0])["loss"])
        after = advance(training, settings, job.seed, self.splits)
        error = self.goal.error(after.metrics)
        earlier = self.nodes[parent].error if parent else self.goal.error(before.metrics)
        reward = earlier - error if math.isfinite(error) else -3.0
        checkpoint = None if after.status == "diverged" else f"{job.node:064x}"
        node = Node(job, checkpoint, before, after, error, reward)
        self.nodes[node.id], self.states[node.id] = node, training
        self.learner.learn(choice.heads, reward)
        self.events.append(SegmentFinished(node))
        return node.id

    def root(self, seed, **settings):
        choice = Choice("start", "a new run, proposed at random", predicted=(-1.2, 0.4))
        return self.run(None, SPACE.check({**SPACE.default(), **settings}), choice, root_seed=seed)

    def features(self, node):
        after = node.after
        return (
            ("progress", (node.job.index + 1) / HORIZON),
            (
                "log loss to best",
                float(
                    np.log(after.metrics["loss"] / min(n.after.metrics["loss"] for n in self.nodes.values() if n.checkpoint))
                ),
            ),
            ("trend inside the segment", float(np.log(after.telemetry.losses[-1] / after.telemetry.losses[0]))),
            ("update to weight norm", after.telemetry.update_norm / after.telemetry.weight_norm),
            ("generalisation gap", after.metrics["loss"] - after.train_loss),
        )

    def follow(self, parent, count, kind="continue", reason="the leaf that is worth most"):
        for turn in range(count):
            node = self.nodes[parent]
            if node.checkpoint is None or node.job.index + 1 >= HORIZON:
                break
            heads, action = self.learner.decide(node.job.settings)
            predicted = (node.error - 0.08 * (HORIZON - node.job.index - 1), 0.1)
            choice = Choice(kind if turn == 0 else "continue", reason, self.features(node), heads, predicted)
            parent = self.run(parent, SPACE.apply(node.job.settings, action), choice)
        return parent


def make_study() -> Study:
    """Three runs, two forks, a divergence, an abandoned branch, a failed segment and a user's wishes."""
    study = Study()
    slow = study.root(1, lr=1e-4, optimizer="sgd")
    slow_leaf = study.follow(slow, 4)
    good = study.root(2, lr=0.05, optimizer="adam", batch_size=128)
    middle = study.follow(good, 5)
    study.events.append(BranchEnded(slow_leaf, "predicted to end at 1.9, far above the best path", "study"))
    study.follow(middle, 6)
    fork = study.follow(middle, 6, "fork", "another action here is worth more than any leaf")
    wild = study.root(3, lr=30.0, optimizer="sgd", momentum=0.99, batch_size=16, init_scale=1.0)
    study.follow(wild, 3)
    study.events.append(SettingFixed("shuffle", True))
    study.events.append(BoundChanged("lr", 1e-4, 1.0))
    lost = study.job(fork, study.nodes[fork].job.settings, Choice("continue", "the leaf that is worth most"))
    study.events.append(SegmentFailed(lost, "error", "ValueError: expected 64 columns, got 63"))
    diverge = study.nodes[middle].job.settings.replace(lr=30.0, optimizer="sgd", momentum=0.99, batch_size=16)
    study.events.append(ForkRequested(middle, diverge))
    asked = study.run(middle, diverge, Choice("user", "asked for by the user"))
    study.events.append(BranchEnded(asked, "not what I hoped for", "user"))
    study.follow(good, 10, "fork", "another action here is worth more than any leaf")
    study.events.append(StudyFinished("the budget is spent"))
    return study


@pytest.fixture(scope="session")
def events() -> list[Event]:
    return make_study().events


@pytest.fixture(scope="session")
def goal() -> Goal:
    return Goal()


@pytest.fixture(scope="session")
def space() -> Space:
    return SPACE


def synthetic_events(count: int, *, fork_every: int = 9, horizon: int = 20) -> list[Event]:
    """Return a study of ``count`` segments whose figures are made up: for size, not for truth."""
    rng = np.random.default_rng(0)
    heads = [(name, tuple(str(move) for move in SPACE[name].moves)) for name in SPACE.live]
    features = tuple((f"feature {index}", float(rng.normal())) for index in range(24))
    moves = [
        tuple(int(rng.integers(n)) if rng.random() < 0.3 else k for n, k in zip(SPACE.heads, SPACE.keep(), strict=True))
        for _ in range(50)
    ]
    nodes: list[Node] = []
    for id_ in range(1, count + 1):
        parent = _parent(nodes, rng, horizon, fork_every)
        values = rng.normal(size=70).tolist()
        choice = Choice(
            kind="start" if parent is None else "continue",
            reason="the leaf that is worth most",
            features=features if parent else (),
            heads=tuple(
                HeadChoice(
                    name, "dqn", moves, tuple(values[: len(moves)]), tuple(abs(v) for v in values[-len(moves) :]), 0, False
                )
                for name, moves in heads
            ),
        )
        settings = SPACE.apply(parent.job.settings, moves[id_ % 50]) if parent else SPACE.sample(rng)
        index = parent.job.index + 1 if parent else 0
        job = Job(
            id_,
            parent.id if parent else None,
            parent.job.root if parent else id_,
            None,
            settings,
            index,
            horizon,
            0,
            id_,
            choice,
        )
        loss = float((parent.after.metrics["loss"] if parent else 2.3) * rng.uniform(0.7, 1.05))
        after = Measurement({"loss": loss}, loss * 0.9, steps=10, examples=100, epochs=0.1, seconds=0.1)
        nodes.append(Node(job, "0" * 64, after if parent is None else None, after, math.log(loss), 0.1))
    return [StudyCreated({"space": SPACE.to_record()}, "made up", None), *map(SegmentFinished, nodes)]


def _parent(nodes: list[Node], rng: np.random.Generator, horizon: int, fork_every: int) -> Node | None:
    if not nodes:
        return None
    leaf = nodes[-1]
    if len(nodes) % fork_every == 0:
        leaf = nodes[int(rng.integers(len(nodes)))]
    return leaf if leaf.job.index + 1 < horizon else None


@pytest.fixture(scope="session")
def large_events() -> list[Event]:
    return synthetic_events(10_000)


def describe(settings: Settings) -> str:
    return " ".join(f"{name}={show(value)}" for name, value in settings.items())
