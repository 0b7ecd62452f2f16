"""Power grids: keeping the lines of IEEE's 14-bus grid within their limits, on Grid2Op."""

from trimtab.systems.grid.environment import SYSTEMS, Topology

__all__ = ["SYSTEMS", "Topology"]
