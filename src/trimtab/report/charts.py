"""The charts of the page as plain geometry: places in [0, 100], so that the page can stretch them to any width."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from trimtab.report.branches import branches
from trimtab.report.scales import Scale, drawable, fit
from trimtab.report.story import Account, Story
from trimtab.report.words import figure, tick
from trimtab.space import show
from trimtab.space.moves import Value

MOST_CURVES = 80
MOST_POINTS = 400


@dataclass(frozen=True, slots=True)
class Tick:
    place: float
    label: str


@dataclass(frozen=True, slots=True)
class Curve:
    """A path in SVG's language; ``role`` is its class: "best", "other" or "faint"."""

    path: str
    role: str


@dataclass(frozen=True, slots=True)
class End:
    """Where the best path ends, with its figure beside it."""

    left: float
    top: float
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Curves over two axes. ``summary``: what the chart shows, for those who cannot see it."""

    title: str
    note: str
    summary: str
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    curves: tuple[Curve, ...]
    end: End | None = None


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of the best path over which a choice stood."""

    left: float
    width: float
    bottom: float
    label: str
    faint: bool


@dataclass(frozen=True, slots=True)
class Bands:
    """A setting without a scale: one row a choice, a band where it stood."""

    title: str
    summary: str
    across: tuple[Tick, ...]
    rows: tuple[Tick, ...]
    bands: tuple[Band, ...]


Point = tuple[float, float]


def progress_chart(story: Story) -> Chart | None:
    """Return the best metric so far against the number of segments spent; None if nothing finite was measured."""
    points, best = list[Point](), math.inf
    for spent, account in enumerate(story.accounts.values(), start=1):
        if account.node.error < best and drawable(account.after) and account.node.checkpoint is not None:
            best = account.node.error
            points.append((float(spent), account.after))
    if not points:
        return None
    points.append((float(len(story.accounts)), points[-1][1]))
    up, across = fit([y for _, y in points]), Scale(0.0, max(1.0, points[-1][0]))
    return Chart(
        title="Best so far",
        note=f"{story.goal.metric}, by segments spent",
        summary=f"Best validation {story.goal.metric} so far: from {figure(points[0][1])} to {figure(points[-1][1])}.",
        across=_counts(across),
        up=_ticks(up),
        curves=(Curve(stairs(points, across, up), "best"),),
        end=_end(points[-1], across, up),
    )


def loss_charts(story: Story) -> list[Chart]:
    """Return train loss, validation loss and, if it is another, the goal's metric of all runs on their own axes."""
    measures = [("Training loss", "train"), ("Validation loss", "loss")]
    if story.goal.metric != "loss":
        measures.append((f"Validation {story.goal.metric}", story.goal.metric))
    series = {name: _series(story, name) for _, name in measures}
    shared = _robust_fit([*series["train"], *series["loss"]])
    charts: list[Chart] = []
    for title, name in measures:
        values = [y for _, points in series[name] for _, y in points]
        up = shared if name in ("train", "loss") else _robust_fit(series[name])
        if any(map(drawable, values)):
            charts.append(_loss_chart(title, series[name], up))
    return charts


def setting_charts(story: Story) -> list[Chart | Bands]:
    """Return one chart a live hyperparameter along the best path, in the order of the space."""
    names = story.space.live if story.space is not None else story.names
    path = story.best_path
    if not path:
        return []
    return [_setting_chart(story, name, path) for name in names if all(name in account.node.job.settings for account in path)]


def stairs(points: Sequence[Point], across: Scale, up: Scale) -> str:
    """Return the path of a line that keeps its height until the next point."""
    parts, height = list[str](), 0.0
    for index, (x, y) in enumerate(points):
        place = across.place(x) * 100
        if index:
            parts.append(f"H{place:.2f}")
        height = 100 - up.place(y) * 100
        parts.append(f"V{height:.2f}" if index else f"M{place:.2f} {height:.2f}")
    return "".join(parts)


def _series(story: Story, name: str) -> list[tuple[str, list[Point]]]:
    """Return role and points (segments done, value) of every branch, the best path last, so that it lies on top."""
    worst_first = sorted(branches(story), key=lambda branch: -branch.error)[-MOST_CURVES:]
    found = [("other", _points(branch.accounts, name, story)) for branch in worst_first]
    return [*found, ("best", _points(story.best_path, name, story))]


def _points(accounts: Sequence[Account], name: str, story: Story) -> list[Point]:
    if not accounts:
        return []
    first = accounts[0].node
    points: list[Point] = []
    if first.job.parent is not None:
        points.append((float(first.job.index), _value(story.tree[first.job.parent].after, name)))
    elif first.before is not None:
        points.append((0.0, _value(first.before, name)))
    points.extend((account.node.job.index + 1.0, _value(account.node.after, name)) for account in accounts)
    stride = math.ceil(len(points) / MOST_POINTS)
    return points[::-1][::stride][::-1]


def _value(measurement: object, name: str) -> float:
    if name == "train":
        return float(getattr(measurement, "train_loss", math.nan))
    return float(getattr(measurement, "metrics", {}).get(name, math.nan))


def _loss_chart(title: str, series: list[tuple[str, list[Point]]], up: Scale) -> Chart:
    deepest = max(x for _, points in series for x, _ in points)
    across = Scale(0.0, max(1.0, deepest))
    best = [point for point in series[-1][1] if drawable(point[1])]
    return Chart(
        title=title,
        note="by segment of the run" + (", log" if up.log else ""),
        summary=f"{title} of {len(series) - 1} branches"
        + (f"; on the best path from {figure(best[0][1])} to {figure(best[-1][1])}." if best else "."),
        across=_counts(across),
        up=_ticks(up),
        curves=tuple(Curve(_polyline(points, across, up), role) for role, points in series if len(points) > 1),
        end=_end(best[-1], across, up) if best else None,
    )


def _polyline(points: Sequence[Point], across: Scale, up: Scale) -> str:
    parts, pen = list[str](), "M"
    for x, y in points:
        if not drawable(y):
            pen = "M"
            continue
        height = 100 - min(3.0, max(-3.0, up.place(y))) * 100
        parts.append(f"{pen}{across.place(x) * 100:.2f} {height:.2f}")
        pen = "L"
    return "".join(parts)


def _robust_fit(series: Sequence[tuple[str, list[Point]]]) -> Scale:
    """Return an axis for losses that holds the whole best path; what blew up runs out of the picture."""
    values = sorted(y for _, points in series for _, y in points if drawable(y))
    best = [y for role, points in series if role == "best" for _, y in points if drawable(y)]
    if not values:
        return Scale(0.0, 1.0)
    limit = max([4 * values[len(values) // 2], *best]) if values[0] > 0 else values[-1]
    return fit([value for value in values if value <= limit])


def _setting_chart(story: Story, name: str, path: Sequence[Account]) -> Chart | Bands:
    values = [account.node.job.settings[name] for account in path]
    active = [name in story.active(account.node.job.settings) for account in path]
    if any(isinstance(value, str | bool) for value in values):
        return _bands(name, values, active)
    return _steps(story, name, values, active)


def _steps(story: Story, name: str, path_values: Sequence[Value], active: list[bool]) -> Chart:
    values = [float(value) for value in path_values]
    log = bool(getattr(story.space[name], "log", False)) if story.space is not None else None
    up, across = fit(values, log=log, margin=0.12), Scale(0.0, float(len(values)))
    return Chart(
        title=name,
        note="log" if up.log else "",
        summary=f"{name} along the best path: {', '.join(map(show, _stretches(path_values)))}.",
        across=_counts(across, most=4),
        up=_ticks(up, most=4),
        curves=tuple(
            Curve(stairs([(float(low), values[low]), *_corners(values, low, high)], across, up), "best" if on else "faint")
            for low, high, on in _runs(active)
        ),
        end=replace(_end((float(len(values)), values[-1]), across, up), label=show(path_values[-1])),
    )


def _corners(values: list[float], low: int, high: int) -> list[Point]:
    """Return where the line from ``low`` to ``high`` turns; it ends at the height of what follows."""
    inner = [(float(index), values[index]) for index in range(low + 1, high)]
    return [*inner, (float(high), values[high] if high < len(values) else values[-1])]


def _runs(flags: list[bool]) -> list[tuple[int, int, bool]]:
    found, low = list[tuple[int, int, bool]](), 0
    for index in range(1, len(flags) + 1):
        if index == len(flags) or flags[index] != flags[low]:
            found.append((low, index, flags[low]))
            low = index
    return found


def _bands(name: str, values: Sequence[Value], active: list[bool]) -> Bands:
    choices = list(dict.fromkeys(values))
    rows = {choice: round(100 - 100 * (row + 0.5) / len(choices), 2) for row, choice in enumerate(choices)}
    bands, low = list[Band](), 0
    for index in range(1, len(values) + 1):
        if index < len(values) and values[index] == values[low] and active[index] == active[low]:
            continue
        left, width = 100 * low / len(values), 100 * (index - low) / len(values)
        bands.append(Band(left, width, rows[values[low]], show(values[low]), not active[low]))
        low = index
    return Bands(
        title=name,
        summary=f"{name} along the best path: {', '.join(map(show, _stretches(values)))}.",
        across=_counts(Scale(0.0, float(len(values))), most=4),
        rows=tuple(Tick(place, show(choice)) for choice, place in rows.items()),
        bands=tuple(bands),
    )


def _stretches(values: Sequence[Value]) -> list[Value]:
    return [value for index, value in enumerate(values) if index == 0 or value != values[index - 1]]


def _ticks(scale: Scale, most: int = 5, *, whole: bool = False) -> tuple[Tick, ...]:
    ticks = [value for value in scale.ticks(most) if not whole or value.is_integer()]
    return tuple(Tick(round(scale.place(value) * 100, 2), tick(value)) for value in ticks)


def _counts(scale: Scale, most: int = 5) -> tuple[Tick, ...]:
    """Return labels for an axis that counts segments."""
    return _ticks(scale, most, whole=True)


def _end(point: Point, across: Scale, up: Scale) -> End:
    return End(round(across.place(point[0]) * 100, 2), round(100 - up.place(point[1]) * 100, 2), figure(point[1]))
