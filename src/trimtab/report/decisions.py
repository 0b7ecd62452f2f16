"""Every segment and every decision as compact plain data: what the page embeds and its script unfolds."""

from __future__ import annotations

import json
import math
from functools import cache
from itertools import chain
from typing import Any, NamedTuple

from trimtab.report.story import Account, Story
from trimtab.space import show
from trimtab.store.records import HeadChoice


def embed(story: Story) -> str:
    """Return the data of all segments as JSON that may stand inside a ``<script>`` element."""
    text = json.dumps(records(story), separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    # "</script>", "<!--" and the two line ends that JSON allows and JavaScript once did not must not appear as they are
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def records(story: Story) -> dict[str, Any]:
    """Return the data of all segments in the order of commit. What repeats (labels, names) is listed once, by index."""
    index = Indices({name: place for place, name in enumerate(story.names)}, _Index(), _Index(), _Index())
    on_path = {account.id for account in story.best_path}
    segments = [_segment(account, story, account.id in on_path, index) for account in story.accounts.values()]
    return {
        "metric": story.goal.metric,
        "best": story.best.id if story.best else None,
        "names": list(story.names),
        "teams": [
            [{"name": name, "agent": agent, "moves": list(moves)} for name, agent, moves in team] for team in index.teams.items
        ],
        "features": [list(names) for names in index.features.items],
        "reasons": index.reasons.items,
        "segments": segments,
    }


class _Index:
    """Numbers different things in the order in which they are first seen."""

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}

    def number(self, item: Any) -> int:  # hashable
        return self._numbers.setdefault(item, len(self._numbers))

    @property
    def items(self) -> list[Any]:
        return list(self._numbers)


class Indices(NamedTuple):
    """What repeats from segment to segment."""

    names: dict[str, int]
    teams: _Index
    features: _Index
    reasons: _Index


def _segment(account: Account, story: Story, on_path: bool, index: Indices) -> dict[str, Any]:
    node, choice = account.node, account.node.job.choice
    place = index.names
    record: dict[str, Any] = {
        "id": account.id,
        "parent": node.job.parent,
        "run": node.job.root,
        "index": node.job.index,
        "horizon": node.job.horizon,
        "kind": choice.kind,
        "reason": index.reasons.number(choice.reason),
        "before": short(account.before),
        "after": short(account.after),
        "error": short(node.error),
        "reward": short(node.reward),
        "train": short(node.after.train_loss),
        "metrics": {name: short(value) for name, value in node.after.metrics.items() if name != story.goal.metric},
        "seconds": short(node.after.seconds),
        "settings": [_text(node.job.settings.get(name)) for name in story.names],
        "changes": [place[change.name] for change in account.changes],
        **_decision(choice.heads, index),
    }
    if choice.features:
        record["features"] = [
            index.features.number(tuple(name for name, _ in choice.features)),
            figures(tuple(value for _, value in choice.features)),
        ]
    if choice.predicted is not None:
        record["predicted"] = figures(choice.predicted)
    if account.ending is not None:
        record["ended"] = [account.ending.reason, account.ending.by]
    flags = {"diverged": account.diverged, "path": on_path}
    return record | {name: 1 for name, flag in flags.items() if flag}


def _decision(heads: tuple[HeadChoice, ...], index: Indices) -> dict[str, Any]:
    """Return what a team of agents decided. Values and spreads of all moves of all heads stand in one row each."""
    if not heads:
        return {}
    record = {
        "team": index.teams.number(tuple((head.name, head.agent, head.moves) for head in heads)),
        "chosen": [head.chosen for head in heads],
        "values": figures(tuple(chain.from_iterable(head.values for head in heads))),
    }
    if any(head.explored for head in heads):
        record["explored"] = [place for place, head in enumerate(heads) if head.explored]
    if any(any(head.spreads) for head in heads):
        record["spreads"] = figures(tuple(chain.from_iterable(head.spreads for head in heads)), digits=2)
    return record


def short(value: float, digits: int = 4) -> float | None:
    """Return ``value`` in ``digits`` significant digits; None where it is not finite."""
    return float(f"{value:.{digits}g}") if math.isfinite(value) else None


def figures(values: tuple[float, ...], digits: int = 3) -> str:
    """Return ``values`` as one text, separated by spaces; a tenth of the time and two thirds of the size of a list.

    >>> figures((0.12345, float("-inf"), 2.0))
    '0.123 -inf 2'
    """
    return _format(len(values), digits) % values


@cache
def _format(count: int, digits: int) -> str:
    return " ".join([f"%.{digits}g"] * count)


def _text(value: float | int | str | bool | None) -> str:
    return "–" if value is None else show(value)
