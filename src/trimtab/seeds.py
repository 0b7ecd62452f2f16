"""Seeds that are derived, never drawn: the same root and the same path of keys give the same seed on every machine."""

from __future__ import annotations

import zlib

import numpy as np


def derive(seed: int, *keys: int | str) -> int:
    """Return a seed in [0, 2**63) for the path ``keys`` below ``seed``.

    >>> derive(0, "segment", 3) == derive(0, "segment", 3) != derive(0, "segment", 4)
    True
    """
    words = tuple(zlib.crc32(key.encode()) if isinstance(key, str) else key for key in keys)
    return int(np.random.SeedSequence(seed, spawn_key=words).generate_state(1, np.uint64)[0] >> 1)


def generator(seed: int, *keys: int | str) -> np.random.Generator:
    """Return a NumPy generator seeded with ``derive(seed, *keys)``."""
    return np.random.default_rng(derive(seed, *keys))
