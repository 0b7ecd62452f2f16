"""What an operator sees of the grid, and of the splits that may be made now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from trimtab.systems.grid.days import EXPOSED, MOMENTS, OUTAGE
from trimtab.systems.grid.flows import Flows
from trimtab.systems.grid.splits import Split, topologies

CHOICES = 25
"""Nothing, and the eight splits after which, by the linear power flow, the line that is loaded most is loaded least."""
_OF_GRID, _OF_CHOICE = 129, 10
FEATURES = _OF_GRID + CHOICES * _OF_CHOICE


@dataclass(frozen=True, slots=True)
class Choice:
    """What may be done: a split, or nothing (None).

    ``loads``: of the lines then, 1 at the limit, shape (lines,). ``after``: the highest load after each line of EXPOSED failed.
    """

    split: Split | None
    topology: np.ndarray
    loads: np.ndarray
    after: np.ndarray

    @property
    def highest(self) -> float:
        """The load of the line that is loaded most."""
        return float(self.loads.max())


def choices(flows: Flows, legal: tuple[Split, ...], seen: Any) -> tuple[Choice, ...]:
    """Return what an agent may choose among: nothing, and those of ``legal`` after which the highest load is lowest."""
    found = np.concatenate([seen.topo_vect[None], topologies(legal, seen.topo_vect)])
    loads = np.array([flows.loads(topology) for topology in found])
    best = [0, *(1 + np.argsort(loads[1:].max(1), kind="stable")[: CHOICES - 1])]
    splits = (None, *legal)
    return tuple(Choice(splits[i], found[i], loads[i], flows.after(found[i], EXPOSED).max(1)) for i in best)


def observe(seen: Any, time: int, listed: tuple[Choice, ...], trend: float) -> np.ndarray:
    """Return what is seen at moment ``time``, shape (FEATURES,). ``trend``: MW by which the load grew in the last hour."""
    parts = [*_of_grid(seen, time, trend), *(_of_choice(choice, seen) for choice in listed)]
    found = np.zeros(FEATURES)
    flat = np.concatenate(parts)
    found[: len(flat)] = flat
    return np.clip(found, -1, 1).astype(np.float32)


def _of_grid(seen: Any, time: int, trend: float) -> list[np.ndarray]:
    busbars = np.split(seen.topo_vect, np.cumsum(seen.sub_info)[:-1])
    total = float(seen.load_p.sum())
    return [
        np.array([time / MOMENTS, float(seen.rho.max()) - 1, total / 200 - 1.25, trend / 30]),
        seen.rho - 0.5,
        seen.time_before_cooldown_line / OUTAGE,
        seen.timestep_overflow / 3,
        np.where(seen.line_status, 0.0, 1.0),
        seen.gen_p / 100,
        seen.load_p / 100,
        seen.time_before_cooldown_sub / 3,
        np.array([float((on == 2).any()) for on in busbars]),
    ]


def _of_choice(choice: Choice, seen: Any) -> np.ndarray:
    ranked = np.sort(choice.loads)[::-1]
    worst = int(seen.rho.argmax())
    now = seen.topo_vect
    return np.array(
        [
            1.0,
            ranked[0] - 1,
            ranked[1] - 1,
            np.sqrt(np.mean(choice.loads**2)),
            choice.loads[worst] - 1,
            choice.after.max() - 1.25,
            choice.after.mean() - 1.25,
            float((choice.after > 1).mean()),
            float((choice.topology != now).sum()) / 6,
            float((choice.topology == 2).sum()) / 12,
        ]
    )
