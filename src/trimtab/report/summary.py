"""A study in a few sentences, and as a small fragment for a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from trimtab.report.aims import kept_limits
from trimtab.report.branches import Branch, branches
from trimtab.report.charts import progress_chart, setting_charts
from trimtab.report.evaluation import agent_records, forecasts
from trimtab.report.importance import importances
from trimtab.report.incidents import incidents
from trimtab.report.story import Account, Story, tell
from trimtab.report.words import change, count, duration, figure, share, signed
from trimtab.space import show
from trimtab.store.records import Event
from trimtab.task import Goal

MOST_ENDINGS = 12


def explain(events: Sequence[Event], goal: Goal) -> list[str]:
    """Return short sentences: the result, its start, each change and what it was worth, and what was given up or went wrong."""
    story = tell(events, goal)
    if story.best is None:
        return [
            f"No segment came to a finite {goal.metric} ({count(story.spent.segments, 'segment')} ran).",
            *_incidents(story),
        ]
    limits = [each.sentence for each in kept_limits(story)]
    told = [_result(story), *limits, _start(story), *_changes(story), *_forks(story), *_mattered(story), *_trust(story)]
    return [*told, *_incidents(story)]


def fragment(events: Sequence[Event], goal: Goal) -> str:
    """Return HTML for a notebook's cell: the result, its settings and the curve of the best so far. No script, no network."""
    story = tell(events, goal)
    if story.best is None:
        return f"<div>{escape(explain(events, goal)[0])}</div>"
    settings = story.best.node.job.settings
    rows = "".join(
        f'<tr><th style="text-align:left;font-weight:400;opacity:.7;padding:1px 16px 1px 0">{escape(name)}</th>'
        f'<td style="text-align:left;padding:1px 20px 1px 0">{escape(show(settings[name]))}</td>'
        f"<td>{_spark(story, name)}</td></tr>"
        for name in story.names
        if name in settings
    )
    return (
        '<div style="font-family:system-ui,sans-serif;line-height:1.5;max-width:640px">'
        f'<div><b style="font-size:1.6em">{figure(story.best.after)}</b> &nbsp;validation {escape(goal.metric)}'
        f'<span style="opacity:.7"> · {_cost(story)}</span></div>'
        f"{_progress(story)}"
        f'<table style="border-collapse:collapse;font-variant-numeric:tabular-nums;margin:4px 0">{rows}</table></div>'
    )


def _result(story: Story) -> str:
    assert story.best is not None
    job = story.best.node.job
    return (
        f"The best {story.goal.metric} on the validation split is {figure(story.best.after)}, "
        f"reached by segment {story.best.id} (number {job.index + 1} of {job.horizon} in run {job.root}) after {_cost(story)}."
    )


def _cost(story: Story) -> str:
    runs = count(len(story.roots), "run")
    return f"{count(story.spent.segments, 'segment')} in {runs}, {duration(story.spent.seconds)} of training"


def _start(story: Story) -> str:
    first = story.best_path[0]
    settings = ", ".join(f"{name} {show(value)}" for name, value in first.node.job.settings.items())
    before = f" from {figure(first.before)}" if first.before == first.before else ""  # NaN: not measured
    return f"Its run started with {settings}; the first segment took {story.goal.metric}{before} to {figure(first.after)}."


def _changes(story: Story) -> list[str]:
    """Return a sentence for each segment of the best path that changed something, and one for each stretch that did not."""
    sentences, quiet = list[str](), list[Account]()
    for account in story.best_path[1:]:
        if not account.changes:
            quiet.append(account)
            continue
        sentences += _quiet(quiet, story)
        quiet = []
        sentences.append(_changed(account, story))
    return sentences + _quiet(quiet, story)


def _changed(account: Account, story: Story) -> str:
    names = ", ".join(f"{each.name} {change(each.before, each.after)}" for each in account.changes)
    kind = f"forked from segment {account.node.job.parent} with" if account.is_fork else "changed"
    return f"Segment {account.id} {kind} {names}{_explored(account)}: {_worth([account], story)}."


def _explored(account: Account) -> str:
    names = [each.name for each in account.changes if each.explored]
    return f" ({', '.join(names)} to explore)" if names else ""


def _quiet(accounts: list[Account], story: Story) -> list[str]:
    if not accounts:
        return []
    first, last = accounts[0].id, accounts[-1].id
    who = f"Segment {first}" if first == last else f"Segments {first} to {last}"
    return [f"{who} left everything as it was: {_worth(accounts, story)}."]


def _worth(accounts: list[Account], story: Story) -> str:
    reward = sum(account.node.reward for account in accounts)
    return f"{story.goal.metric} {figure(accounts[0].before)} → {figure(accounts[-1].after)}, reward {signed(reward)}"


def _forks(story: Story) -> list[str]:
    """Return what forks were worth against the branch they left: those on the best path, and a count of the others."""
    every = branches(story)
    home = {account.id: branch for branch in every for account in branch.accounts}
    on_path = {account.id for account in story.best_path}
    paid = [sentence for account in story.best_path if account.is_fork and (sentence := _paid(account, home, on_path, story))]
    forks = sum(account.is_fork for account in story.accounts.values())
    others = forks - sum(account.is_fork for account in story.best_path)
    return [*paid, *([f"{count(others, 'other fork')} led to nothing better."] if others else [])]


def _paid(account: Account, home: dict[int, Branch], on_path: set[int], story: Story) -> str | None:
    parent = account.node.job.parent
    siblings = [child for child in story.accounts[parent].children if child not in on_path] if parent is not None else []
    if not siblings:
        return None
    left = min((each for child in siblings for each in home[child].accounts), key=lambda each: each.node.error)
    assert story.best is not None
    return (
        f"The fork at segment {account.id} paid: it led to {figure(story.best.after)}, "
        f"the branch it left came to {figure(left.after)}."
    )


def _mattered(story: Story) -> list[str]:
    """Return which hyperparameters mattered most, at the start and in the eyes of the agents."""
    found = importances(story)
    starts = [(each.name, each.starts) for each in found if each.starts is not None]
    moves = [(each.name, each.moves) for each in found if each.moves is not None]
    sentences = list[str]()
    for words, shares in (("Of starting values", starts), ("Of moves, in the eyes of the agents,", moves)):
        if shares:
            most = sorted(shares, key=lambda pair: -pair[1])[:3]
            sentences.append(f"{words} {', '.join(f'{name} ({share(part)})' for name, part in most)} mattered most.")
    return sentences


def _trust(story: Story) -> list[str]:
    """Return how well ends were forecast, and which agents did best where there are several."""
    seen, agents = forecasts(story.tree), agent_records(story.tree)
    sentences = list[str]()
    if seen is not None:
        sentences.append(
            f"Of {seen.count} forecasts of the end of a run, {share(seen.within)} held within their 80 % interval."
        )
    if len(agents) > 1:
        told = ", ".join(f"{each.name} {signed(each.reward)} ({count(each.segments, 'segment')})" for each in agents)
        sentences.append(f"Mean reward of a segment by agents: {told}.")
    return sentences


def _incidents(story: Story) -> list[str]:
    noted = incidents(story)
    told = [each.sentence for each in noted[:MOST_ENDINGS]]
    rest = len(noted) - len(told)
    return [*told, *([f"{count(rest, 'more branch', 'more branches')} ended or failed."] if rest > 0 else [])]


def _progress(story: Story) -> str:
    chart = progress_chart(story)
    return _svg([curve.path for curve in chart.curves], 320, 72, chart.summary) if chart else ""


def _spark(story: Story, name: str) -> str:
    for chart in setting_charts(story):
        if chart.title == name and not hasattr(chart, "bands"):
            return _svg([curve.path for curve in getattr(chart, "curves", ())], 120, 16, chart.summary)
    return ""


def _svg(paths: Sequence[str], width: int, height: int, summary: str) -> str:
    lines = "".join(
        f'<path d="{path}" fill="none" stroke="#287a94" stroke-width="2" vector-effect="non-scaling-stroke"/>' for path in paths
    )
    return (
        f'<svg role="img" aria-label="{escape(summary)}" width="{width}" height="{height}" viewBox="0 -4 100 108" '
        f'preserveAspectRatio="none" style="display:block;margin:4px 0">{lines}</svg>'
    )
