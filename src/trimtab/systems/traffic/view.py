"""What the agent of a junction sees: numbers of each phase, of each movement, and of the junction; equally long for all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trimtab.systems.traffic.junction import Junction
from trimtab.systems.traffic.pressure import pressures, queues
from trimtab.systems.traffic.signal import MINIMUM_GREEN, Signal
from trimtab.systems.traffic.survey import Counts

PHASE_FEATURES = 9
MOVEMENT_FEATURES = 7


class View:
    """Lays out observations for ``junctions``, padded to the largest; where they differ, the last numbers say which it is."""

    def __init__(self, junctions: Sequence[Junction]) -> None:
        self.phases = max(len(each.phases) for each in junctions)
        self.movements = max(len(each.movements) for each in junctions)
        alike = len({(each.phases, each.movement_of) for each in junctions}) == 1
        self.names = () if alike else tuple(each.name for each in junctions)

    @property
    def features(self) -> int:
        """Length of an observation."""
        return self.phases * PHASE_FEATURES + self.movements * MOVEMENT_FEATURES + 2 + len(self.names)

    def observe(self, signal: Signal, counts: Counts, now: float) -> np.ndarray:
        """Return the observation of a junction, shape (features,), in [-1, 1]."""
        found = np.zeros(self.features, dtype=np.float32)
        by_phase, by_movement = _of_phases(signal, counts, now), _of_movements(signal, counts)
        found[: by_phase.size] = by_phase.ravel()
        middle = self.phases * PHASE_FEATURES
        found[middle : middle + by_movement.size] = by_movement.ravel()
        rest = middle + self.movements * MOVEMENT_FEATURES
        found[rest] = (now - signal.since) / 60
        found[rest + 1] = signal.by_itself or now - signal.since >= MINIMUM_GREEN
        if self.names:
            found[rest + 2 + self.names.index(signal.junction.name)] = 1
        return np.clip(found, -1, 1)


def _of_phases(signal: Signal, counts: Counts, now: float) -> np.ndarray:
    junction, serves, everyone = signal.junction, signal.junction.serves, counts.queued + counts.moving
    columns = [
        np.arange(len(junction.phases)) == signal.phase,
        queues(junction, counts.queued) / 20,
        queues(junction, everyone) / 30,
        pressures(junction, counts.queued, counts.ahead) / 20,
        pressures(junction, everyone, counts.ahead) / 30,
        queues(junction, counts.soon) / 8,
        (serves * counts.wait).max(1) / 120,
        serves @ counts.outside / 20,
        (now - signal.last_green) / 120,
    ]
    return np.stack(columns, axis=1)


def _of_movements(signal: Signal, counts: Counts) -> np.ndarray:
    junction = signal.junction
    summed = [_summed(junction, each) for each in (counts.queued, counts.moving, counts.soon, counts.outside, counts.ahead)]
    longest = np.zeros(len(junction.movements))
    np.maximum.at(longest, list(junction.movement_of), counts.wait)
    scales = (15, 15, 4, 20, 15)
    green = junction.serves_movements[signal.phase]
    return np.stack([*(each / scale for each, scale in zip(summed, scales, strict=True)), longest / 120, green], axis=1)


def _summed(junction: Junction, values: np.ndarray) -> np.ndarray:
    return np.bincount(junction.movement_of, weights=values, minlength=len(junction.movements))
