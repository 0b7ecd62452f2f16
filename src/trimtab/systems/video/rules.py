"""What a service does without learning whom to ask: one ranker for everybody, or any."""

from __future__ import annotations

from typing import Any

from trimtab.seeds import generator
from trimtab.systems.system import Act, Rule
from trimtab.systems.video.rankers import RANKERS

TRUSTED = "factors"


def always(name: str) -> Rule:
    """Return the rule that asks the ranker ``name`` each time."""
    index = list(RANKERS).index(name)
    return lambda _env: lambda _seen: index


def random(env: Any) -> Act:
    """Ask any of them, drawn at random."""
    rng = generator(env.seed, "video", "random")
    return lambda _seen: int(rng.integers(len(RANKERS)))


RULES: dict[str, Rule] = {**{name: always(name) for name in RANKERS}, "any": random}
