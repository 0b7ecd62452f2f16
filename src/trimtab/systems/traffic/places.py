"""Where there are signals: networks with the journeys of an hour, as the wheel of sumo-rl holds them.

cologne1, cologne8, ingolstadt1 and grid4x4 are those of RESCO (Ault & Sharon 2021, NeurIPS Datasets and Benchmarks).
"""

from __future__ import annotations

import importlib.util
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from trimtab.errors import MissingExtraError
from trimtab.systems.sumo import Sumo


@dataclass(frozen=True, slots=True)
class Place:
    """A network and its demand. ``folder``: below sumo-rl's nets. ``network``, ``demand``: files in it.

    ``begin``: the time of day of the first second, in seconds. ``horizon``: seconds of an episode.
    """

    name: str
    folder: str
    network: str
    demand: str
    begin: int
    horizon: int

    def network_path(self) -> Path:
        """Return the file of the network."""
        return _nets() / self.folder / self.network

    def demand_path(self) -> Path:
        """Return the file of the demand."""
        return _nets() / self.folder / self.demand


@dataclass(frozen=True, slots=True)
class Journey:
    """A vehicle that sets out ``depart`` seconds after the beginning along ``edges``.

    ``attributes``: the others that SUMO knows of it, such as its type.
    """

    depart: float
    edges: tuple[str, ...]
    attributes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Demand:
    """Journeys, in order of departure, and the types of their vehicles as XML."""

    journeys: tuple[Journey, ...]
    types: tuple[str, ...] = ()


def _resco(name: str, begin: int, horizon: int, demand: str = "") -> Place:
    return Place(name, f"RESCO/{name}", f"{name}.net.xml", demand or f"{name}.rou.xml", begin, horizon)


PLACES: tuple[Place, ...] = (
    Place(
        "2way-single", "2way-single-intersection", "single-intersection.net.xml", "single-intersection-vhvh.rou.xml", 0, 3600
    ),
    _resco("cologne1", 25200, 3600),
    _resco("ingolstadt1", 57600, 3600),
    _resco("grid4x4", 0, 1800, "grid4x4_1.rou.xml"),
    _resco("cologne8", 25200, 1800),
)


@cache
def published(place: Place) -> Demand:
    """Return the demand of the file, as far as the horizon goes; flows become journeys at equal intervals."""
    tree = ElementTree.parse(place.demand_path()).getroot()  # noqa: S314 - a file of a wheel that was installed
    routes = {route.get("id"): tuple(route.get("edges", "").split()) for route in tree.findall("route")}
    journeys = [journey for flow in tree.findall("flow") for journey in _of_flow(flow, routes)]
    vehicles = [*tree.findall("vehicle"), *tree.findall("trip")]
    journeys += [Journey(float(one.get("depart", 0)) - place.begin, _edges(one), _rest(one)) for one in vehicles]
    kept = sorted((one for one in journeys if one.depart < place.horizon), key=lambda one: one.depart)
    types = tuple(ElementTree.tostring(one, encoding="unicode").strip() for one in tree.findall("vType"))
    return Demand(_routed(place, kept), types)


def _of_flow(flow: ElementTree.Element, routes: dict[str | None, tuple[str, ...]]) -> list[Journey]:
    begin, end, hourly = (float(flow.get(name, 0)) for name in ("begin", "end", "vehsPerHour"))
    count = int((end - begin) * hourly / 3600)
    edges, rest = routes[flow.get("route")], _rest(flow)
    return [Journey(begin + (place + 0.5) * 3600 / hourly, edges, rest) for place in range(count)]


def _edges(vehicle: ElementTree.Element) -> tuple[str, ...]:
    """Return the edges of a vehicle, or only the first and the last one of a trip."""
    route = vehicle.find("route")
    if route is not None:
        return tuple(route.get("edges", "").split())
    return vehicle.get("from", ""), vehicle.get("to", "")


def _rest(element: ElementTree.Element) -> tuple[tuple[str, str], ...]:
    known = ("type", "departSpeed", "departPos", "departLane")
    return tuple((name, element.attrib[name]) for name in known if name in element.attrib)


def _routed(place: Place, journeys: list[Journey]) -> tuple[Journey, ...]:
    """Return the journeys with all their edges: trips take the fastest way through the empty network, as in SUMO."""
    run = Sumo(["-n", str(place.network_path())])
    try:
        find = cache(lambda ends: tuple(run.api.simulation.findRoute(*ends).edges))
        ways = [find(one.edges) if len(one.edges) == 2 else one.edges for one in journeys]
    finally:
        run.close()
    return tuple(Journey(one.depart, way, one.attributes) for one, way in zip(journeys, ways, strict=True) if way)


@cache
def _nets() -> Path:
    """Return the folder of networks; sumo-rl itself is not imported, since that would load more than is needed."""
    found = importlib.util.find_spec("sumo_rl")
    if found is None or found.origin is None:
        raise MissingExtraError("these networks are in the wheel of sumo-rl: pip install --no-deps sumo-rl==1.4.5")
    return Path(found.origin).parent / "nets"
