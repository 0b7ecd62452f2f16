"""A study in plain data: what ``--json`` prints, and what the tables are made from."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from trimtab.cli.stores import Opened
from trimtab.store.records import BoundChanged, BranchEnded, ForkRequested, SettingFixed

if TYPE_CHECKING:
    from trimtab.report import Account
    from trimtab.store.records import Override


def summary(opened: Opened) -> dict[str, Any]:
    """Return everything that ``trimtab show`` knows of a study."""
    story = opened.story
    config = opened.created.config
    accounts = list(story.accounts.values())
    return {
        "store": opened.place,
        "study": opened.name,
        "status": "finished" if story.finished else "not finished",
        "reason": story.finished,
        "goal": config.get("goal"),
        "best": None if story.best is None else node_record(story.best),
        "start": dict(story.best_path[0].node.job.settings) if story.best_path else None,
        "budget": dict(story.budget),
        "spent": spent(opened),
        "runs": len(story.roots),
        "forks": sum(account.node.job.choice.kind in ("fork", "user") for account in accounts),
        "ended": len({ending.node for ending in story.endings}),
        "diverged": sum(account.diverged for account in accounts),
        "failed": len(story.failures),
        "last_failure": story.failures[-1].message if story.failures else None,
        "overrides": [words_of(override) for override in story.overrides],
        "agent": config.get("agent"),
        "horizon": config.get("horizon"),
        "workers": opened.workers,
        "seed": config.get("seed"),
        "source": opened.created.source,
        "space": config.get("space"),
    }


def brief(opened: Opened) -> dict[str, Any]:
    """Return the line that ``trimtab list`` prints of a study."""
    whole = summary(opened)
    kept = ("study", "status", "reason", "goal", "best", "budget", "spent", "runs", "agent", "source")
    return {name: whole[name] for name in kept}


def node_record(account: Account) -> dict[str, Any]:
    """Return one segment as plain data."""
    node = account.node
    job, after = node.job, node.after
    return {
        "node": node.id,
        "parent": job.parent,
        "run": job.root,
        "segment": job.index + 1,
        "horizon": job.horizon,
        "kind": job.choice.kind,
        "reason": job.choice.reason,
        "settings": dict(job.settings),
        "metrics": dict(after.metrics),
        "train_loss": after.train_loss,
        "error": node.error,
        "reward": node.reward,
        "seconds": after.seconds,
        "status": after.status,
        "ended": None if account.ending is None else account.ending.reason,
        "checkpoint": node.checkpoint,
    }


def spent(opened: Opened) -> dict[str, float]:
    """Return what was used, a segment that failed among it."""
    used, failed = opened.story.spent, len(opened.story.failures)
    return {"segments": used.segments + failed, "epochs": used.epochs, "examples": used.examples, "seconds": used.seconds}


def share(opened: Opened) -> float:
    """Return the share of the budget that is used, in [0, 1]; NaN if none is known."""
    used = spent(opened)
    shares = [used[unit] / amount for unit, amount in opened.story.budget.items() if unit in used and amount]
    return min(1.0, max(shares)) if shares else math.nan


def words_of(override: Override) -> str:
    """Return what the user asked for, in words."""
    match override:
        case SettingFixed(name, None):
            return f"{name} set free"
        case SettingFixed(name, value):
            return f"{name} fixed at {value}"
        case BoundChanged(name, low, high):
            return f"{name} kept in [{low:g}, {high:g}]"
        case BranchEnded(node):
            return f"the branch at node {node} ended"
        case ForkRequested(node):
            return f"node {node} forked"
        case _:
            amounts = ", ".join(f"{amount:g} {unit}" for unit, amount in override.budget.items())
            return f"{amounts} added to the budget" if override.added else f"the budget extended to {amounts}"
