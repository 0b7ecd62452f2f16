"""The global random state, seeded for a while and then given back as it was."""

from __future__ import annotations

import random
from collections.abc import Generator
from contextlib import contextmanager

import numpy as np
import torch

from trimtab.seeds import derive


def seed_everything(seed: int) -> None:
    """Seed the global generators of torch (all devices), NumPy and random."""
    torch.manual_seed(derive(seed, "torch"))
    np.random.seed(derive(seed, "numpy") % 2**32)  # noqa: NPY002  users' transforms draw from the global generator
    random.seed(derive(seed, "random"))


@contextmanager
def seeded(seed: int, device: torch.device) -> Generator[None]:
    """Seed every global generator with ``seed`` inside the block, and restore the caller's afterwards."""
    on_torch, on_numpy, on_random = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002  as above
    on_device = _device_state(device)
    try:
        seed_everything(seed)
        yield
    finally:
        torch.set_rng_state(on_torch)
        np.random.set_state(on_numpy)  # noqa: NPY002  as above
        random.setstate(on_random)
        if device.type == "cuda" and on_device is not None:
            torch.cuda.set_rng_state(on_device, device)
        elif on_device is not None:
            torch.mps.set_rng_state(on_device)


def _device_state(device: torch.device) -> torch.Tensor | None:
    if device.type == "cuda":
        return torch.cuda.get_rng_state(device)
    return torch.mps.get_rng_state() if device.type == "mps" else None
