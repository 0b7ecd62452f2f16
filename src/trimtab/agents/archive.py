"""An agent as bytes: arrays in a safetensors file, everything else as JSON in its metadata. No pickle.

The metadata has one entry, ``trimtab-agent``: ``{"format": 1, "kind": name, "state": {...}}``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from trimtab.errors import AgentError

FORMAT = 1
_KEY = "trimtab-agent"


@dataclass(frozen=True, slots=True)
class Archive:
    """The parts of an encoded agent: its kind, its arrays, and its plain state as JSON values."""

    kind: str
    arrays: dict[str, np.ndarray]
    state: dict[str, Any]


def pack(kind: str, arrays: Mapping[str, np.ndarray], state: Mapping[str, Any]) -> bytes:
    """Return the bytes of an agent."""
    head = json.dumps({"format": FORMAT, "kind": kind, "state": dict(state)}, allow_nan=False)
    return save({name: np.asarray(array, order="C") for name, array in arrays.items()}, metadata={_KEY: head})


def unpack(data: bytes) -> Archive:
    """Return the parts of ``pack``'s bytes; anything else is an AgentError."""
    try:
        arrays = load(data)
        length = int.from_bytes(data[:8], "little")
        head = json.loads(json.loads(data[8 : 8 + length])["__metadata__"][_KEY])
        version, kind, state = head["format"], str(head["kind"]), dict(head["state"])
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise AgentError(
            f"data: expected the bytes of an encoded agent, got {len(data)} bytes that are none ({error})"
        ) from error
    if version != FORMAT:
        raise AgentError(
            f"data: expected an agent of format {FORMAT}, got format {version}: it needs another version of trimtab"
        )
    return Archive(kind, arrays, state)


def random_state(rng: np.random.Generator) -> dict[str, Any]:
    """Return the state of ``rng`` as JSON values."""
    return dict(rng.bit_generator.state)


def restored_generator(state: Mapping[str, Any]) -> np.random.Generator:
    """Return a generator that goes on where ``random_state`` was taken."""
    rng = np.random.Generator(np.random.PCG64())
    rng.bit_generator.state = dict(state)
    return rng
