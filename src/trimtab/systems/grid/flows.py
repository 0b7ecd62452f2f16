"""Power flows of what might be done now: with lightsim2grid itself one takes a tenth of a millisecond, fifty times less than by
``obs.simulate`` of Grid2Op, and gives the same loads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from trimtab.systems.grid.days import EXTRA
from trimtab.systems.system import simulator

BROKEN = 3.0
"""The load that is given for all lines where a part of the grid is cut off or voltages collapse, and the most that is given."""
_ITERATIONS, _TOLERANCE = 10, 1e-8


class Flows:
    """The grid as it is now, of which a copy may be changed at will. Loads are 1 at the limit of a line."""

    def __init__(self, grid: Any) -> None:
        # Grid2Op's environment hides its power flow, and lightsim2grid the network in it; both are read alone
        backend = grid.backend
        self._network = backend._grid.copy()  # noqa: SLF001
        self._voltages = backend.V.copy()
        self._limits = np.asarray(grid.get_thermal_limit(), dtype=float)
        self._topology = grid.current_obs.topo_vect.astype(np.int32)

    def loads(self, topology: np.ndarray) -> np.ndarray:
        """Return the loads, shape (lines,), under ``topology``: the busbar of each element, -1 where it is out."""
        if not len(self._solve(topology)):
            return np.full(len(self._limits), BROKEN)
        amperes = 1000 * np.concatenate([self._network.get_line_res1()[3], self._network.get_trafo_res1()[3]])
        return np.minimum(amperes / self._limits, BROKEN)

    def after(self, topology: np.ndarray, lost: Sequence[int]) -> np.ndarray:
        """Return the loads under ``topology`` after each of the lines ``lost`` failed, shape (outages, lines)."""
        voltages = self._solve(topology)
        if not len(voltages):
            return np.full((len(lost), len(self._limits)), BROKEN)
        analysis = simulator("lightsim2grid", EXTRA).lightsim2grid_cpp.ContingencyAnalysisCPP(self._network, False)
        for line in sorted(lost):
            analysis.add_n1(line)
        analysis.compute(voltages, _ITERATIONS, _TOLERANCE)
        analysis.compute_flows()
        amperes = 1000 * np.asarray(analysis.get_flows())[np.argsort(np.argsort(lost))]
        # without a solution, as where a part is cut off, there are no numbers
        return np.minimum(np.nan_to_num(amperes / self._limits, nan=BROKEN), BROKEN)

    def _solve(self, topology: np.ndarray) -> np.ndarray:
        """Return the voltages under ``topology``, complex; none where there is no solution."""
        topology = topology.astype(np.int32)
        self._network.update_topo(topology != self._topology, topology)
        self._topology = topology
        return self._network.ac_pf(self._voltages.copy(), _ITERATIONS, _TOLERANCE)
