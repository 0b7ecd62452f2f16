"""A road of five lanes whose middle three go either way, in SUMO: its network, its lanes, and how one is turned round."""

from __future__ import annotations

import importlib.util
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from trimtab.errors import MissingExtraError
from trimtab.systems.sumo import EXTRA, Sumo

LANES = 5
MOST = LANES - 1
"""Lanes that a direction can have: each always keeps one."""
DIRECTIONS = ("east", "west")
PARTS = ("in", "road", "out")
LENGTHS = {"in": 500.0, "road": 1000.0, "out": 200.0}
"""Metres. Before and behind the road each direction has four lanes of its own."""
LIMIT = 60 / 3.6
"""Metres a second."""
CLEARANCE = 10
"""Seconds that a lane stays shut after it was seen empty, as the signs above it change."""
_CARS = "passenger"
_NODES = {"a": 0.0, "b": 500.0, "c": 700.0, "d": 1700.0, "e": 1900.0, "f": 2400.0}
_ENDS = {
    "east": {"in": ("b", "c"), "road": ("c", "d"), "out": ("d", "e")},
    "west": {"in": ("e", "d"), "road": ("d", "c"), "out": ("c", "b")},
}


class Road:
    """The lanes in a simulation that runs. ``open``: how many each direction may use; ``wanted``: how many are to go east."""

    def __init__(self, run: Sumo, east: int) -> None:
        self.run = run
        self.open = {"east": east, "west": LANES - east}
        self.wanted = east
        self._closing: str | None = None
        self._empty_since: float | None = None
        for direction in DIRECTIONS:
            for lane in range(MOST):
                self._sign(direction, lane, shut=lane >= self.open[direction])

    @property
    def turning(self) -> bool:
        """Whether a lane is being turned round, and is shut for both."""
        return self._closing is not None

    def settle(self, now: float) -> None:
        """Go on with what is wanted: shut a lane, or open the one that has been empty for long enough."""
        if self._closing is None and self.wanted != self.open["east"]:
            self._shut("west" if self.wanted > self.open["east"] else "east")
        if self._closing is not None:
            self._clear(self._closing, now)

    def _shut(self, direction: str) -> None:
        self.open[direction] -= 1
        self._sign(direction, self.open[direction], shut=True)
        self._closing, self._empty_since = direction, None

    def _clear(self, direction: str, now: float) -> None:
        if self.run.api.lane.getLastStepVehicleNumber(lane_name(direction, self.open[direction])) > 0:
            self._empty_since = None
        elif self._empty_since is None:
            self._empty_since = now
        elif now - self._empty_since >= CLEARANCE:
            other = "east" if direction == "west" else "west"
            self._sign(other, self.open[other], shut=False)
            self.open[other] += 1
            self._closing = None

    def _sign(self, direction: str, lane: int, *, shut: bool) -> None:
        name = lane_name(direction, lane)
        self.run.api.lane.setAllowed(name, ["authority" if shut else _CARS])


def lane_name(direction: str, lane: int) -> str:
    """Return SUMO's name of a lane of the road; 0 is the outermost, and 3 of one direction lies where 1 of the other is."""
    return f"{direction}-road_{lane}"


def route(direction: str) -> str:
    """Return the edges from one end to the other."""
    return " ".join(f"{direction}-{part}" for part in PARTS)


@cache
def network() -> str:
    """Return the file of the network, which netconvert makes once for this process."""
    found = importlib.util.find_spec("sumo")
    if found is None or found.origin is None:
        raise MissingExtraError(f"the network is made by SUMO's netconvert: pip install 'trimtab[{EXTRA}]'")
    folder = Path(_folder().name)
    nodes, edges, net = (folder / f"lanes.{kind}.xml" for kind in ("nod", "edg", "net"))
    nodes.write_text("<nodes>" + "".join(_node(name, x) for name, x in _NODES.items()) + "</nodes>", encoding="utf-8")
    edges.write_text("<edges>" + "".join(_edges()) + "</edges>", encoding="utf-8")
    tool = Path(found.origin).parent / "bin" / "netconvert"
    files: Sequence[str] = ("--node-files", str(nodes), "--edge-files", str(edges), "--output-file", str(net))
    subprocess.run([str(tool), *files, "--no-turnarounds", "true"], check=True, capture_output=True)  # noqa: S603 - SUMO's own
    return str(net)


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="trimtab-lanes-")


def _node(name: str, x: float) -> str:
    return f'<node id="{name}" x="{x}" y="0" type="priority"/>'


def _edges() -> list[str]:
    made = list[str]()
    for direction, parts in _ENDS.items():
        for part, (start, end) in parts.items():
            made.append(
                f'<edge id="{direction}-{part}" from="{start}" to="{end}" numLanes="{MOST}" speed="{LIMIT:.4f}" '
                f'length="{LENGTHS[part]}"/>'
            )
    return made
