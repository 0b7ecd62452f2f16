"""Where every segment of the tree is drawn: columns are the segments of a run, lanes are branches. Thins out large trees."""

from __future__ import annotations

import math
from dataclasses import dataclass

from trimtab.report.branches import Branch, branches
from trimtab.report.scales import drawable
from trimtab.report.story import Account, Story
from trimtab.report.words import figure

LANE, TOP, LEFT, RADIUS = 26.0, 26.0, 18.0, 6.0
MOST_LANES, MOST_DOTS = 60, 900
SHADES = 7


@dataclass(frozen=True, slots=True)
class Dot:
    """One segment. ``shade``: 0 (worst) to SHADES − 1 (best); −1 if its error is not finite."""

    id: int
    x: float
    y: float
    shade: int
    best_path: bool
    best: bool
    diverged: bool
    ended: bool
    label: str


@dataclass(frozen=True, slots=True)
class Line:
    """A path in SVG's language along the segments of one branch."""

    path: str
    best: bool


@dataclass(frozen=True, slots=True)
class Lanes:
    """The whole drawing, in pixels. ``hidden``: branches and segments that are not drawn, the worst ones."""

    width: float
    height: float
    dots: tuple[Dot, ...]
    lines: tuple[Line, ...]
    starts: tuple[tuple[float, float, int], ...]
    columns: tuple[tuple[float, int], ...]
    hidden_branches: int
    hidden_segments: int
    low: float | None
    high: float | None

    @property
    def has_best(self) -> bool:
        return any(dot.best for dot in self.dots)


def lay_out(story: Story) -> Lanes:
    """Return the drawing of ``story``'s tree."""
    every = branches(story)
    shown = _worth_showing(every)
    deepest = max((branch.last.node.job.index + 1 for branch in shown), default=1)
    step = min(88.0, max(1000.0 / deepest, 22.0 if deepest <= 120 else 2400.0 / deepest))
    lane_of = {account.id: lane for lane, branch in enumerate(shown) for account in branch.accounts}
    on_path = {account.id for account in story.best_path}
    dots = _dots(story, shown, lane_of, step)
    error_range = _error_range(story)
    return Lanes(
        width=LEFT * 2 + deepest * step + 14,
        height=TOP * 2 + max(0, len(shown) - 1) * LANE,
        dots=dots,
        lines=tuple(line for lane, branch in enumerate(shown) for line in _lines(branch, lane, lane_of, step, on_path)),
        starts=tuple(
            (LEFT, _y(lane), branch.first.node.job.root) for lane, branch in enumerate(shown) if branch.parent is None
        ),
        columns=tuple((LEFT + column * step, column) for column in _column_labels(deepest, step)),
        hidden_branches=len(every) - len(shown),
        hidden_segments=len(story.accounts) - len(dots),
        low=error_range[0] if error_range else None,
        high=error_range[1] if error_range else None,
    )


def _worth_showing(every: list[Branch]) -> list[Branch]:
    """Return the best MOST_LANES branches with all that they fork from, in their order."""
    if len(every) <= MOST_LANES:
        return every
    home = {account.id: number for number, branch in enumerate(every) for account in branch.accounts}
    kept: set[int] = set()
    for number in sorted(range(len(every)), key=lambda number: (every[number].error, number)):
        if len(kept) >= MOST_LANES:
            break
        lineage = number
        while lineage not in kept:
            kept.add(lineage)
            parent = every[lineage].parent
            if parent is None:
                break
            lineage = home[parent]
    return [branch for number, branch in enumerate(every) if number in kept]


def _dots(story: Story, shown: list[Branch], lane_of: dict[int, int], step: float) -> tuple[Dot, ...]:
    on_path = {account.id for account in story.best_path}
    error_range = _error_range(story)
    crowded = sum(len(branch.accounts) for branch in shown) > MOST_DOTS
    stride = max(1, math.ceil(2 * RADIUS / step)) if crowded else 1
    dots: list[Dot] = []
    for branch in shown:
        for account in branch.accounts:
            if crowded and not _stands_out(account, branch, on_path, stride):
                continue
            x, y = LEFT + (account.node.job.index + 1) * step, _y(lane_of[account.id])
            dots.append(_dot(account, x, y, story, error_range, account.id in on_path))
    return tuple(dots)


def _dot(account: Account, x: float, y: float, story: Story, errors: tuple[float, float] | None, on_path: bool) -> Dot:
    return Dot(
        id=account.id,
        x=round(x, 1),
        y=y,
        shade=_shade(account.node.error, errors),
        best_path=on_path,
        best=story.best is not None and account.id == story.best.id,
        diverged=account.diverged,
        ended=account.ending is not None,
        label=_label(account, story),
    )


def _label(account: Account, story: Story) -> str:
    job = account.node.job
    outcome = "diverged" if account.diverged else f"{story.goal.metric} {figure(account.after)}"
    return f"Segment {account.id}, number {job.index + 1} of {job.horizon} in run {job.root}: {outcome}"


def _stands_out(account: Account, branch: Branch, on_path: set[int], stride: int) -> bool:
    if account is branch.first or account is branch.last or len(account.children) > 1 or account.ending is not None:
        return True
    return account.id in on_path and account.node.job.index % stride == 0


def _lines(branch: Branch, lane: int, lane_of: dict[int, int], step: float, on_path: set[int]) -> list[Line]:
    y, first = _y(lane), LEFT + (branch.first.node.job.index + 1) * step
    if branch.parent is None:
        lead = f"M{LEFT:.1f} {y:.1f}"
    else:
        x, top = first - step, _y(lane_of[branch.parent])
        bend = min(10.0, step / 2)
        lead = f"M{x:.1f} {top:.1f}V{y - bend:.1f}Q{x:.1f} {y:.1f} {x + bend:.1f} {y:.1f}"
    best = sum(account.id in on_path for account in branch.accounts)
    end = LEFT + (branch.last.node.job.index + 1) * step
    if not best:
        return [Line(f"{lead}H{end:.1f}", best=False)]
    turn = LEFT + (branch.accounts[best - 1].node.job.index + 1) * step
    rest = [Line(f"M{turn:.1f} {y:.1f}H{end:.1f}", best=False)] if end > turn else []
    return [*rest, Line(f"{lead}H{turn:.1f}", best=True)]


def _error_range(story: Story) -> tuple[float, float] | None:
    """Return the errors between which shades run: the lowest and the nine-tenths quantile, for the sake of outliers."""
    errors = sorted(account.node.error for account in story.accounts.values() if drawable(account.node.error))
    return (errors[0], errors[(len(errors) - 1) * 9 // 10]) if errors else None


def _shade(error: float, errors: tuple[float, float] | None) -> int:
    if errors is None or not math.isfinite(error):
        return -1
    low, high = errors
    worse = min(1.0, max(0.0, (error - low) / (high - low))) if high > low else 0.0
    return min(SHADES - 1, int((1 - worse) * SHADES))


def _column_labels(deepest: int, step: float) -> list[int]:
    every = next(size for size in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10**9) if size * step >= 36)
    return [column for column in range(deepest + 1) if column % every == 0]


def _y(lane: int) -> float:
    return TOP + lane * LANE
