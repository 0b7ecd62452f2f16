"""Figures for a notebook. Each returns a figure and shows nothing; no global state of matplotlib or plotly is touched.

Every figure is drawn twice from one description: ``backend="matplotlib"`` or ``backend="plotly"``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

from trimtab.errors import StudyError
from trimtab.report.aims import Aims, pareto
from trimtab.report.branches import branches
from trimtab.report.drawing import Dots, Figure, Lines, Panel, Text, draw
from trimtab.report.story import Account, Story, tell
from trimtab.space import show
from trimtab.store.quantities import quantity
from trimtab.store.records import Event, HeadChoice
from trimtab.task import Goal, Measurement

if TYPE_CHECKING:
    from trimtab.space.moves import Value

Backend = Literal["matplotlib", "plotly"]
Measure = Callable[[Measurement], float]


def plot_losses(events: Sequence[Event], goal: Goal, *, backend: Backend = "matplotlib") -> Figure:
    """Return train and validation loss of every branch by segment of its run; the best path is bold."""
    story = tell(events, goal)
    panels = [
        Panel("training loss", "segment", "loss", tuple(_curves(story, lambda m: m.train_loss)), log=True),
        Panel("validation loss", "segment", "loss", tuple(_curves(story, lambda m: m.metrics.get("loss", math.nan))), log=True),
    ]
    return draw(panels, columns=2, backend=backend)


def plot_settings(events: Sequence[Event], goal: Goal, *, backend: Backend = "matplotlib") -> Figure:
    """Return one panel for each live hyperparameter: its value along the best path."""
    story = tell(events, goal)
    if story.best is None:
        raise StudyError("plot_settings: expected a study with a finite result, got one without")
    names = story.space.live if story.space is not None else story.names
    return draw([_setting_panel(story, name) for name in names], columns=3, backend=backend)


def plot_tree(events: Sequence[Event], goal: Goal, *, backend: Backend = "matplotlib") -> Figure:
    """Return the tree of segments: columns are segments of a run, rows are branches, the best path is bold."""
    story = tell(events, goal)
    every = branches(story)
    row_of = {account.id: float(row) for row, branch in enumerate(every) for account in branch.accounts}
    lines = tuple(
        Lines((_joint(account, row_of, story), _place(account, row_of)), bold=False, faint=True)
        for branch in every
        for account in branch.accounts
    )
    best = tuple(Lines((_joint(account, row_of, story), _place(account, row_of)), bold=True) for account in story.best_path)
    finite = [account for account in story.accounts.values() if math.isfinite(account.node.error)]
    dots = Dots(
        tuple(_place(account, row_of) for account in finite),
        tuple(account.node.error for account in finite),
        tuple(f"segment {account.id}: {story.goal.metric} {account.after:.4g}" for account in finite),
    )
    lost = [Text(*_place(account, row_of), "×") for account in story.accounts.values() if account.diverged]
    panel = Panel("tree of segments, darker is better", "segment", "branch", (*lines, *best, dots, *lost), downward=True)
    return draw([panel], columns=1, backend=backend)


def plot_front(events: Sequence[Event], goal: Goal, *, backend: Backend = "matplotlib") -> Figure:
    """Return the goal's metric of every segment against each objective (without any: seconds of training), the front bold."""
    story = tell(events, goal)
    names = Aims.of(story.config).objectives or ("seconds",)
    return draw([_front_panel(story, name) for name in names], columns=3, backend=backend)


def plot_values(events: Sequence[Event], goal: Goal, node: int, *, backend: Backend = "matplotlib") -> Figure:
    """Return how every move was valued (± one standard deviation) in the decision that led to ``node``."""
    story = tell(events, goal)
    if node not in story.accounts:
        raise StudyError(f"plot_values.node: expected the number of a finished segment, got {node!r}")
    heads = story.accounts[node].node.job.choice.heads
    if not heads:
        raise StudyError(f"plot_values.node: no agent decided on segment {node}; expected one that continues or forks another")
    return draw([_values_panel(head) for head in heads], columns=3, backend=backend)


def _curves(story: Story, measure: Measure) -> list[Lines]:
    found = [
        Lines(tuple(_points(branch.accounts, story, measure)), bold=False, faint=True) for branch in reversed(branches(story))
    ]
    return [*found, Lines(tuple(_points(story.best_path, story, measure)), bold=True)]


def _points(accounts: Sequence[Account], story: Story, measure: Measure) -> list[tuple[float, float]]:
    if not accounts:
        return []
    first = accounts[0].node
    parent = first.job.parent
    before: Measurement | None = first.before if parent is None else story.tree[parent].after
    start = [(float(first.job.index), float(measure(before)))] if before is not None else []
    return [*start, *((account.node.job.index + 1.0, float(measure(account.node.after))) for account in accounts)]


def _setting_panel(story: Story, name: str) -> Panel:
    values: list[Value] = [account.node.job.settings[name] for account in story.best_path]
    log = bool(getattr(story.space[name], "log", False)) if story.space is not None else False
    if not any(isinstance(value, str | bool) for value in values):
        numbers = [float(value) for value in values]
        return Panel(name, "segment", "", (Lines(_stairs(numbers), bold=True),), log=log)
    choices = list(dict.fromkeys(values))
    rows = [float(choices.index(value)) for value in values]
    labels = tuple((float(row), show(choice)) for row, choice in enumerate(choices))
    return Panel(name, "segment", "", (Lines(_stairs(rows), bold=True),), labels=labels)


def _front_panel(story: Story, name: str) -> Panel:
    kept = [account for account in story.accounts.values() if account.node.checkpoint is not None]
    costs = [quantity(name, story.tree.path(account.id)) for account in kept]
    places = [(cost, account.after) for cost, account in zip(costs, kept, strict=True)]
    labels = tuple(f"segment {account.id}: {name} {cost:.4g}" for account, cost in zip(kept, costs, strict=True))
    best = sorted(
        pareto([(account.node.error, cost) for account, cost in zip(kept, costs, strict=True)]), key=costs.__getitem__
    )
    front = Lines(tuple(places[index] for index in best), bold=True)
    dots = Dots(tuple(places), tuple(account.node.error for account in kept), labels)
    return Panel(f"{story.goal.metric} against {name}", name, story.goal.metric, (dots, front), log=story.goal.scale == "log")


def _stairs(values: Sequence[float]) -> tuple[tuple[float, float], ...]:
    return tuple(point for index, value in enumerate(values) for point in ((float(index), value), (index + 1.0, value)))


def _place(account: Account, row_of: dict[int, float]) -> tuple[float, float]:
    return account.node.job.index + 1.0, row_of[account.id]


def _joint(account: Account, row_of: dict[int, float], story: Story) -> tuple[float, float]:
    parent = account.node.job.parent
    return (float(account.node.job.index), row_of[account.id]) if parent is None else _place(story.accounts[parent], row_of)


def _values_panel(head: HeadChoice) -> Panel:
    possible = [index for index, value in enumerate(head.values) if math.isfinite(value)]
    parts: list[Lines | Dots | Text] = [
        Lines(
            (
                (head.values[index] - head.spreads[index], float(index)),
                (head.values[index] + head.spreads[index], float(index)),
            ),
            bold=False,
        )
        for index in possible
    ]
    parts.append(
        Dots(
            tuple((head.values[index], float(index)) for index in possible), (), tuple(head.moves[index] for index in possible)
        )
    )
    if head.chosen in possible:
        label = "explored" if head.explored else "chosen"
        parts.append(Text(head.values[head.chosen], float(head.chosen), label))
    labels = tuple((float(index), move) for index, move in enumerate(head.moves))
    return Panel(head.name, "value", "", tuple(parts), labels=labels)
