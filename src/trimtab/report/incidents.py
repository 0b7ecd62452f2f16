"""What did not go by itself: branches that were ended, segments that failed or diverged, and what the user asked for."""

from __future__ import annotations

from dataclasses import dataclass

from trimtab.report.story import Account, Story
from trimtab.report.words import change
from trimtab.space import show
from trimtab.store.records import (
    BoundChanged,
    BranchEnded,
    BudgetExtended,
    ForkRequested,
    Override,
    SegmentFailed,
    SettingFixed,
)

CAUSES = {"error": "failed", "lost": "worker lost", "hung": "worker hung"}


@dataclass(frozen=True, slots=True)
class Incident:
    """``tone``: "warn" for what went wrong, "accent" for what the user did, "" for the study's own decisions."""

    what: str
    place: str
    why: str
    sentence: str
    tone: str = ""


def incidents(story: Story) -> list[Incident]:
    """Return failures first, then divergences, ended branches and the user's wishes."""
    failed = [_failure(failure, story) for failure in story.failures]
    diverged = [_divergence(account) for account in story.accounts.values() if account.diverged]
    ended = [_ending(ending) for ending in story.endings if ending.by == "study"]
    return [*failed, *diverged, *ended, *map(_wish, story.overrides)]


def _failure(failure: SegmentFailed, story: Story) -> Incident:
    what, node, parent = CAUSES[failure.cause], failure.job.node, failure.job.parent
    message = failure.message.strip().splitlines()[-1] if failure.message.strip() else "no message"
    why = message + ("; it was run again" if node in story.accounts else "")
    place = f"segment {node}, " + ("a new run" if parent is None else f"after segment {parent}")
    return Incident(what, place, why, f"Segment {node} came to no end ({what}): {why}.", "warn")


def _divergence(account: Account) -> Incident:
    changed = ", ".join(f"{each.name} {change(each.before, each.after)}" for each in account.changes)
    why = "a loss or weight was not finite" + (f", after {changed}" if changed else "")
    return Incident("diverged", f"segment {account.id}", why, f"Segment {account.id} diverged: {why}.", "warn")


def _ending(ending: BranchEnded) -> Incident:
    sentence = f"The branch after segment {ending.node} was abandoned: {ending.reason}."
    return Incident("abandoned", f"after segment {ending.node}", ending.reason, sentence)


def _wish(override: Override) -> Incident:
    match override:
        case BranchEnded(node, reason):
            place, why = f"after segment {node}", f"ended the branch: {reason}"
        case SettingFixed(name, value):
            place, why = name, "set it free again" if value is None else f"fixed it at {show(value)}"
        case BoundChanged(name, low, high):
            place, why = name, f"kept it in [{low:g}, {high:g}]"
        case BudgetExtended(budget, added):
            amounts = ", ".join(f"{amount:g} {unit}" for unit, amount in budget.items())
            place, why = "budget", f"added {amounts}" if added else f"set it to {amounts}"
        case ForkRequested(node, _):
            place, why = f"after segment {node}", "asked for a fork with settings of their own"
    return Incident("user", place, why, f"The user, {place}: {why}.", "accent")
