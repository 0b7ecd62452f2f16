"""The priors of a study as a file: arrays as safetensors, no pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from trimtab.errors import StudyError
from trimtab.search.forecast import FEATURES, GRID, Habits
from trimtab.search.portrait import SHARED
from trimtab.search.starts import Prior

VERSION = 1
SHIPPED = "prior.safetensors"


def write(path: Path, starts: Prior, habits: Habits, *, problems: Mapping[str, int]) -> None:
    """Write both priors. ``problems``: how many runs of each were learned from."""
    arrays = {
        "starts.mean": starts.mean,
        "starts.covariance": starts.covariance,
        "habits.mean": habits.mean,
        "habits.covariance": habits.covariance,
        "habits.deviations": habits.deviations,
    }
    favourites = json.dumps([dict(each) for each in starts.favourites])
    head = {"version": str(VERSION), "problems": json.dumps(dict(problems)), "favourites": favourites}
    path.write_bytes(save({name: array.astype(np.float32) for name, array in arrays.items()}, metadata=head))


def read(data: bytes, *, name: str = "prior") -> tuple[Prior, Habits]:
    """Return the priors in ``data``; anything else is a StudyError."""
    shapes = {
        "starts.mean": (SHARED,),
        "starts.covariance": (SHARED, SHARED),
        "habits.mean": (FEATURES,),
        "habits.covariance": (FEATURES, FEATURES),
        "habits.deviations": (GRID,),
    }
    try:
        held = load(data)
        head = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")]).get("__metadata__", {})
        favourites = tuple(json.loads(head.get("favourites", "[]")))
    except (SafetensorError, ValueError) as error:
        raise StudyError(f"{name}: expected the priors of a study, got {len(data)} bytes that are none ({error})") from error
    for key, shape in shapes.items():
        if key not in held or held[key].shape != shape:
            got = held[key].shape if key in held else "none"
            raise StudyError(f"{name}: expected {key} of shape {shape}, got {got}: it is of another version of trimtab")
    wide = {key: held[key].astype(np.float64) for key in shapes}
    return (
        Prior(wide["starts.mean"], wide["starts.covariance"], favourites),
        Habits(wide["habits.mean"], wide["habits.covariance"], wide["habits.deviations"]),
    )


@cache
def shipped() -> tuple[Prior, Habits]:
    """Return the priors that the package ships."""
    return read((files("trimtab.search") / SHIPPED).read_bytes(), name=SHIPPED)
