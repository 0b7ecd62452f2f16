"""What a method is: a recipe, plain data, by which a run can be found again. The training loop knows nothing else of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

Kind = Literal["sgd", "adam", "adamw"]

KINDS: tuple[Kind, ...] = ("sgd", "adam", "adamw")
STARTS = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
SANE = (1e-4, 1e-3, 1e-2)
# the documented defaults of torch 2.13; SGD's rate of 1e-3 there is a placeholder, 1e-2 is what tutorials use
DEFAULT_RATE: dict[Kind, float] = {"sgd": 1e-2, "adam": 1e-3, "adamw": 1e-3}
DEFAULT_DECAY: dict[Kind, float] = {"sgd": 0.0, "adam": 0.0, "adamw": 1e-2}
# nine half-decades where each optimizer learns, and three decays: L2 for SGD and Adam, decoupled for AdamW
ORACLE_RATES: dict[Kind, tuple[float, ...]] = {
    "sgd": (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0),
    "adam": (3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1),
    "adamw": (3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1),
}
ORACLE_DECAYS: dict[Kind, tuple[float, ...]] = {"sgd": (0.0, 1e-4, 1e-3), "adam": (0.0, 1e-4, 1e-3), "adamw": (0.0, 1e-2, 1e-1)}
LENGTHS = (0.5, 0.71, 1.0, 1.41, 2.0, 2.8, 4.0)
WARMUP = 0.05

# a method's version goes up when its code changes what it does
VERSIONS = {
    "pilot": 2,
    "constant": 1,
    "cosine": 1,
    "wsd": 1,
    "plateau": 1,
    "onecycle": 1,
    "schedule-free": 1,
    "prodigy": 1,
    "d-adaptation": 1,
}
PEERS = ("constant", "wsd", "plateau", "onecycle", "schedule-free", "prodigy", "d-adaptation")


@dataclass(frozen=True, slots=True)
class Recipe:
    """One way to train. ``length``: of the task's own horizon; ``policy``: what tells a Pilot from others."""

    method: str
    optimizer: Kind
    rate: float
    weight_decay: float
    warmup: float = 0.0
    length: float = 1.0
    policy: str = ""


def pilot(kind: Kind, start: float, policy: str) -> Recipe:
    return Recipe("pilot", kind, start, DEFAULT_DECAY[kind], policy=policy)


def cosine(kind: Kind, rate: float | None = None, weight_decay: float | None = None) -> Recipe:
    """Return warm-up and cosine, by default at the optimizer's defaults."""
    chosen = DEFAULT_DECAY[kind] if weight_decay is None else weight_decay
    return Recipe("cosine", kind, DEFAULT_RATE[kind] if rate is None else rate, chosen, WARMUP)


def oracle(kind: Kind) -> Iterator[Recipe]:
    """Yield the 27 cosine runs of which the best by validation is the mark."""
    for rate in ORACLE_RATES[kind]:
        for weight_decay in ORACLE_DECAYS[kind]:
            yield cosine(kind, rate, weight_decay)


@cache
def calibrated(length: float = 1.0) -> Recipe:
    """Return the one AdamW, warm-up and cosine that was fitted on training tasks by ``benchmarks.pilot_suite.calibrate``."""
    found = json.loads(Path(__file__).with_name("calibrated.json").read_text(encoding="utf-8"))
    return Recipe("cosine", "adamw", found["rate"], found["weight_decay"], found["warmup"], length)


def peer(method: str, kind: Kind) -> Recipe:
    """Return a peer at its documented default, on the variant of it that goes with the optimizer."""
    if method in ("constant", "plateau"):
        return Recipe(method, kind, DEFAULT_RATE[kind], DEFAULT_DECAY[kind])
    if method == "wsd":
        return Recipe(method, kind, DEFAULT_RATE[kind], DEFAULT_DECAY[kind], WARMUP)
    if method == "onecycle":
        # the rate comes from the range test
        return Recipe(method, kind, 0.0, DEFAULT_DECAY[kind])
    if method == "schedule-free":
        # there is no Schedule-Free Adam: without decay AdamW is Adam, and no decay is its default
        return Recipe(method, "sgd", 1.0, 0.0, WARMUP) if kind == "sgd" else Recipe(method, "adamw", 0.0025, 0.0, WARMUP)
    if method == "prodigy":
        return Recipe(method, "adamw", 1.0, 0.0)
    if method == "d-adaptation":
        return Recipe(method, kind, 1.0, DEFAULT_DECAY[kind], WARMUP)
    raise ValueError(f"method: expected one of {', '.join(PEERS)}, got {method}")
