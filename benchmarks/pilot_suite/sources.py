"""Where the data come from: verified files of $TRIMTAB_DATA, data sets inside wheels, a cache of prepared arrays."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.datasets import fetch, registry
from trimtab.datasets.fetching import is_here
from trimtab.errors import DatasetError, TrimtabError

Array = NDArray[Any]


class MissingDataError(TrimtabError):
    """A data set of the suite is not on this machine, or is not the one that the suite was made for."""


@dataclass(frozen=True, slots=True)
class Arrays:
    """Inputs and targets of the three splits, prepared: what is cached."""

    train: tuple[Array, Array]
    validation: tuple[Array, Array]
    test: tuple[Array, Array]


def cache_folder() -> Path:
    """Return ``$TRIMTAB_CACHE``, or the user's cache folder."""
    chosen = os.environ.get("TRIMTAB_CACHE")
    base = os.environ.get("XDG_CACHE_HOME")
    return Path(chosen) if chosen else (Path(base) if base else Path.home() / ".cache") / "trimtab"


def data_path(name: str) -> Path:
    """Return the path of a file or folder of the registered data sets, whose files are verified; nothing is downloaded."""
    found = next(one for one in registry().values() if any(path == name or path.startswith(f"{name}/") for path in one.files))
    if not is_here(found):
        folder = os.environ.get("TRIMTAB_DATA") or "not set"
        raise MissingDataError(f"{name}: neither in TRIMTAB_DATA ({folder}) nor in the cache: trimtab data get {found.name}")
    try:
        return fetch(found.name).parent / name
    except DatasetError as error:
        raise MissingDataError(str(error)) from error


def package(name: str, install: str = "pip install 'trimtab[benchmarks]'") -> ModuleType:
    """Import a package that carries a data set or a peer."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingDataError(f"this task or peer needs the package {name}: {install}") from error


def cached(name: str, make: Callable[[], Arrays], *, version: int = 1) -> Arrays:
    """Return the arrays that ``make`` prepares, from the cache if they were prepared before."""
    path = cache_folder() / "pilot_suite" / f"{name}-{version}.npz"
    if not path.exists():
        _write(path, make())
    with np.load(path, allow_pickle=False) as held:
        splits = [(held[f"{split}_x"], held[f"{split}_y"]) for split in ("train", "validation", "test")]
    return Arrays(*splits)


def _write(path: Path, arrays: Arrays) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = {"train": arrays.train, "validation": arrays.validation, "test": arrays.test}
    flat = {f"{split}_{letter}": part for split, pair in parts.items() for letter, part in zip("xy", pair, strict=True)}
    partial = path.with_name(f"{path.stem}.{os.getpid()}.npz")
    np.savez_compressed(partial, **flat)  # pyright: ignore[reportArgumentType]  # its keywords are arrays
    partial.replace(path)


def divided(x: Array, y: Array, *, train: int, validation: int, test: int) -> Arrays:
    """Return disjoint random parts of at most these sizes, the same on every machine and for every seed.

    Of rows with the same input only the first is kept, so that no test row was learned from.
    """
    flat = x.reshape(len(x), -1)
    unlike = np.unique(flat.astype(str) if flat.dtype == object else flat, axis=0, return_index=True)[1]
    order = np.random.default_rng(20_24).permutation(np.sort(unlike))
    held_out, watched, learned = np.split(order[: train + validation + test], [test, test + validation])
    return Arrays((x[learned], y[learned]), (x[watched], y[watched]), (x[held_out], y[held_out]))


def standardised(arrays: Arrays, *, targets: bool = False, limit: float = 8.0) -> Arrays:
    """Return the arrays with inputs (and targets) of mean 0 and deviation 1 over the training part, as float32.

    Inputs are clipped at ``limit`` deviations: a single broken sensor reading would otherwise decide a test loss.
    """
    x_mean, x_scale = _moments(arrays.train[0])
    y_mean, y_scale = _moments(arrays.train[1]) if targets else (0, 1)

    def scaled(pair: tuple[Array, Array]) -> tuple[Array, Array]:
        y = ((pair[1] - y_mean) / y_scale).astype(np.float32) if targets else pair[1]
        return np.clip((pair[0] - x_mean) / x_scale, -limit, limit).astype(np.float32), y

    return Arrays(scaled(arrays.train), scaled(arrays.validation), scaled(arrays.test))


def _moments(values: Array) -> tuple[Array, Array]:
    scale = values.std(axis=0)
    return values.mean(axis=0), np.where(scale > 1e-8, scale, 1.0)
