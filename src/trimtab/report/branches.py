"""The tree of segments as lanes: every branch a straight line, the best one on top, forks below what they leave."""

from __future__ import annotations

import math
from dataclasses import dataclass

from trimtab.report.story import Account, Story


@dataclass(frozen=True, slots=True)
class Branch:
    """A chain of segments without gaps. ``parent``: the node that it forks from, None for a new run. ``error``: its lowest."""

    parent: int | None
    accounts: tuple[Account, ...]
    error: float

    @property
    def first(self) -> Account:
        return self.accounts[0]

    @property
    def last(self) -> Account:
        return self.accounts[-1]


def branches(story: Story) -> list[Branch]:
    """Return the tree cut into branches, one a lane, top to bottom.

    Where a node has several children, the one that leads to the lowest error goes on in its lane. Runs are ordered by
    what they led to; forks stand below their parent, later ones nearer, so that no two lines cross.
    """
    lowest = _lowest_below(story)
    roots = sorted(story.roots, key=lambda account: (lowest[account.id], account.id))
    waiting: list[Account] = list(reversed(roots))
    found: list[Branch] = []
    while waiting:
        chain, forks = _follow(waiting.pop(), story, lowest)
        error = min(_comparable(account.node.error) for account in chain)
        found.append(Branch(chain[0].node.job.parent, tuple(chain), error))
        waiting.extend(forks)  # the last to be found is the latest fork, which is popped next: nearest to its parent
    return found


def _follow(first: Account, story: Story, lowest: dict[int, float]) -> tuple[list[Account], list[Account]]:
    chain, forks = [first], list[Account]()
    while chain[-1].children:
        children = sorted(chain[-1].children, key=lambda child: (lowest[child], child))
        chain.append(story.accounts[children[0]])
        forks.extend(story.accounts[child] for child in reversed(children[1:]))
    return chain, forks


def _lowest_below(story: Story) -> dict[int, float]:
    """Return for each node the lowest error in its subtree. Children are committed after their parents."""
    lowest = {id_: _comparable(account.node.error) for id_, account in story.accounts.items()}
    for id_, account in reversed(list(story.accounts.items())):
        parent = account.node.job.parent
        if parent is not None:
            lowest[parent] = min(lowest[parent], lowest[id_])
    return lowest


def _comparable(error: float) -> float:
    return math.inf if math.isnan(error) else error
