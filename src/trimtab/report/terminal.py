"""A study on the terminal: its tree and its nodes as things that rich can print."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from trimtab.report.branches import Branch, branches
from trimtab.report.story import Account, Story, tell
from trimtab.report.words import change, count, figure, signed
from trimtab.store.records import Event
from trimtab.task import Goal


def tree(events: Sequence[Event], goal: Goal, *, title: str = "study", most: int = 400) -> Tree:
    """Return the tree of branches, the best run first; of more than ``most`` segments only ends and forks are shown."""
    story = tell(events, goal)
    long = len(story.accounts) > most
    drawing = Tree(Text.assemble((title, "bold"), (f"  {count(len(story.accounts), 'segment')}", "dim")))
    on_path = {account.id for account in story.best_path}
    places: dict[int, Tree] = {}
    every = branches(story)
    for branch in every[:most]:
        place = drawing if branch.parent is None else places[branch.parent]
        head = place.add(_branch_label(branch, story))
        for account in branch.accounts:
            places[account.id] = head  # where forks from a segment that is not shown hang
        for account in _shown(branch, long, story):
            places[account.id] = head.add(_segment_label(account, story, account.id in on_path))
    if len(every) > most:
        drawing.add(Text(f"{count(len(every) - most, 'more branch', 'more branches')}, none of them better", style="dim"))
    return drawing


def table(events: Sequence[Event], goal: Goal, *, last: int | None = None) -> Table:
    """Return one row a segment in the order of commit; ``last``: only so many of the latest."""
    story = tell(events, goal)
    drawing = Table(box=None, pad_edge=False, header_style="dim", expand=True)
    for name in ("node", "from", "run", "at"):
        drawing.add_column(name, justify="right", no_wrap=True)
    drawing.add_column("kind", no_wrap=True)
    for name in ("train loss", goal.metric, "reward", "seconds"):
        drawing.add_column(name, justify="right", no_wrap=True)
    drawing.add_column("changed", no_wrap=True, overflow="ellipsis", ratio=1)
    accounts = list(story.accounts.values())
    for account in accounts[-last:] if last is not None and last > 0 else accounts:
        drawing.add_row(*_cells(account), style="bold" if account is story.best else None)
    return drawing


def _cells(account: Account) -> list[str | Text]:
    job, after = account.node.job, account.node.after
    return [
        str(account.id),
        "" if job.parent is None else str(job.parent),
        str(job.root),
        f"{job.index + 1}/{job.horizon}",
        job.choice.kind,
        figure(after.train_loss),
        Text("diverged", style="red") if account.diverged else figure(account.after),
        signed(account.node.reward),
        figure(after.seconds, 2),
        Text(_changes(account)),
    ]


def _shown(branch: Branch, long: bool, story: Story) -> tuple[Account, ...]:
    """Return the segments of a branch; of a long tree its ends, the best, and those that were forked."""
    if not long:
        return branch.accounts
    kept = {branch.first.id, branch.last.id, *([story.best.id] if story.best else [])}
    return tuple(account for account in branch.accounts if account.id in kept or len(account.children) > 1)


def _branch_label(branch: Branch, story: Story) -> Text:
    kind = f"run {branch.first.node.job.root}" if branch.parent is None else f"fork of {branch.parent}"
    lowest = min(branch.accounts, key=lambda account: account.node.error)
    ended = branch.last.ending
    return Text.assemble(
        (kind, "bold"),
        (f"  {count(len(branch.accounts), 'segment')}, best {story.goal.metric} {figure(lowest.after)}", "dim"),
        (f"  ended: {ended.reason}", "yellow") if ended else "",
        no_wrap=True,
        overflow="ellipsis",
    )


def _segment_label(account: Account, story: Story, on_path: bool) -> Text:
    best = account is story.best
    outcome = ("diverged", "red") if account.diverged else (figure(account.after), "bold" if on_path else "")
    return Text.assemble(
        (f"{account.id:>4} ", "cyan" if on_path else "dim"),
        outcome,
        (" best " if best else "", "bold green"),
        (f"  {_changes(account)}", "dim"),
        no_wrap=True,
        overflow="ellipsis",
    )


def _changes(account: Account) -> str:
    return ", ".join(f"{each.name} {change(each.before, each.after)}" for each in account.changes)
