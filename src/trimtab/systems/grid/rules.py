"""What operators do on the grid when a line is loaded too much; under all of them ``room`` connects lost lines again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from trimtab.systems.system import Act, Rule

if TYPE_CHECKING:
    from trimtab.systems.grid.environment import Action, Topology

SAFE = 0.95
"""Load of a line, 1 at its limit, below which ``secure`` has all lines if it can."""


def do_nothing(_env: Topology) -> Act:
    """Leave all as it is: "do nothing" of L2RPN, with lost lines connected again."""
    return lambda _observation: 0


def greedy(env: Topology) -> Act:
    """Simulate every split that may be made, and take that after which the highest load is lowest.

    ``TopologyGreedy`` of Grid2Op (``grid2op/Agent/topologyGreedy.py``), by Grid2Op's own simulation.
    """

    def act(_observation: object) -> Action:
        legal = (None, *env.legal())
        topology = env.room.seen.topo_vect
        highest = [env.room.foreseen({} if split is None else split.change(topology)) for split in legal]
        best = legal[int(np.argmin(highest))]
        return 0 if best is None else best

    return act


def secure(env: Topology) -> Act:
    """Of what keeps all lines below ``SAFE``, take that after which the loss of a further line would overload least.

    Security against the loss of one line, "N-1", is what operators of real grids are held to (ENTSO-E, System Operation
    Guideline, article 35). Where nothing keeps all lines below, the lowest load goes first.
    """

    def act(_observation: object) -> Action:
        highest = np.array([choice.highest for choice in env.choices])
        overload = np.array([np.maximum(choice.after - 1, 0).sum() for choice in env.choices])
        safe = highest < SAFE
        return int(np.argmin(np.where(safe, overload, np.inf)) if safe.any() else np.argmin(highest))

    return act


RULES: Mapping[str, Rule] = {"do-nothing": do_nothing, "greedy": greedy, "secure": secure}
