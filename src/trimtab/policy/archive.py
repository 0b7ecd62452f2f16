"""A policy as a file: the weights of its ensemble, what it sees and moves, and where it comes from. No pickle, no torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from trimtab.errors import PolicyError
from trimtab.policy.levers import MOVES
from trimtab.policy.sight import FEATURES

FORMAT = 1
SHIPPED = "default"
"""Name of the policy that comes with the package."""
_KEY = "trimtab-policy"


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """What a policy file holds.

    ``features``, ``levers``: what it sees and moves, by name, in its own order: of those that there are, all or some.
    ``arrays``: float32, by name, those of ``agents.network``. ``architecture``: its fields. ``scale``: what values are
    multiplied by to be in the unit of ``rules.counted``. ``card``: how it was learned, as plain data.
    """

    features: tuple[str, ...]
    levers: tuple[str, ...]
    arrays: Mapping[str, np.ndarray]
    architecture: Mapping[str, Any]
    scale: float
    prior: tuple[tuple[float, ...], ...]
    prior_scale: float
    card: Mapping[str, Any]


def write(policy: PolicyFile) -> bytes:
    """Return ``policy`` as safetensors bytes; weights are stored in half precision."""
    head = {
        "format": FORMAT,
        "features": policy.features,
        "levers": {name: MOVES[name] for name in policy.levers},
        "architecture": dict(policy.architecture),
        "scale": policy.scale,
        "prior": policy.prior,
        "prior_scale": policy.prior_scale,
        "card": dict(policy.card),
    }
    half = {name: np.asarray(array, dtype=np.float16, order="C") for name, array in policy.arrays.items()}
    return save(half, metadata={_KEY: json.dumps(head, allow_nan=False)})


def read(data: bytes, source: str) -> PolicyFile:
    """Return the policy in ``data``; ``source`` names it in the error that says why it is none, or not one for this version."""
    try:
        arrays = load(data)
        length = int.from_bytes(data[:8], "little")
        head = json.loads(json.loads(data[8 : 8 + length])["__metadata__"][_KEY])
        version = head["format"]
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise PolicyError(
            f"{source}: expected a policy file, got {len(data)} bytes that are none or not all of one ({error})"
        ) from error
    known = all(name in MOVES and tuple(moves) == MOVES[name] for name, moves in head["levers"].items())
    if version != FORMAT or not known or not set(head["features"]) <= set(FEATURES):
        raise PolicyError(
            f"{source}: a policy of another version of trimtab (format {version}, here {FORMAT}, or other features or levers); "
            "learn it anew, or install the version that it was learned with"
        )
    full = {name: array.astype(np.float32) for name, array in arrays.items()}
    prior = tuple(tuple(map(float, row)) for row in head["prior"])
    return PolicyFile(
        features=tuple(head["features"]),
        levers=tuple(head["levers"]),
        arrays=full,
        architecture=head["architecture"],
        scale=head["scale"],
        prior=prior,
        prior_scale=head["prior_scale"],
        card=head["card"],
    )


def load_policy(name: str | Path) -> PolicyFile:
    """Return the policy ``name``: one that is shipped, or a file."""
    if str(name) in shipped():
        return _load_shipped(str(name))
    path = Path(name)
    if not path.is_file():
        raise PolicyError(f"policy: expected one of {', '.join(map(repr, shipped()))} or a file, got {str(name)!r}")
    return read(path.read_bytes(), str(path))


def shipped() -> tuple[str, ...]:
    """Return the names of the policies that come with the package."""
    files = resources.files("trimtab.policy").joinpath("weights").iterdir()
    return tuple(sorted(file.name.removesuffix(".safetensors") for file in files if file.name.endswith(".safetensors")))


@lru_cache
def _load_shipped(name: str) -> PolicyFile:
    file = resources.files("trimtab.policy").joinpath("weights", f"{name}.safetensors")
    return read(file.read_bytes(), name)
