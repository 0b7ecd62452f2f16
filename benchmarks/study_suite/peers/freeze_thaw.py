"""ifBO: freezes and thaws trainings by a transformer that was trained to continue learning curves. Rakotoarison et al. 2024.

arXiv 2404.16795. Run by NePS, one segment a step. Its weights, FT-PFN 0.0.1, are no part of a package: ``ifbo`` downloads them
from figshare. Where it cannot, unpack https://api.figshare.com/v2/file/download/61709839 in the folder ``.model`` of
``$TRIMTAB_FTPFN`` (default: ``ftpfn`` in the cache folder), beside the archive itself, named ``ftpfnv0.0.1.tar.gz``.
"""

from __future__ import annotations

import os
import tarfile
from pathlib import Path
from typing import Any

import requests
from ifbo.download import WEIGHTS_FINAL_NAME
from neps import AskAndTell
from neps.optimizers import algorithms
from neps.space import HPOCategorical, HPOFloat, HPOInteger, SearchSpace

from benchmarks.pilot_suite.sources import MissingDataError, cache_folder
from benchmarks.study_suite.meter import Meter
from benchmarks.study_suite.peers.trials import Trials, seed_globals
from benchmarks.study_suite.problems import HORIZON, Problem
from benchmarks.study_suite.space import CHOICES, NUMBERS

VERSION = "0.0.1"


def tune(problem: Problem, meter: Meter, seed: int) -> None:
    seed_globals(seed)
    study(AskAndTell(_with_weights(Path(os.environ.get("TRIMTAB_FTPFN", cache_folder() / "ftpfn")))), problem, meter, seed)


def study(asker: AskAndTell, problem: Problem, meter: Meter, seed: int) -> None:
    """Advance by a segment whatever is asked for. The surrogate wants losses from 0 to 1, which is no better than untrained."""
    trials = Trials(problem, meter, seed)
    while True:
        asked = asker.ask()
        trial = trials.known(asked.metadata.id.split("_")[0], asked.config)
        loss = trials.loss(trial, int(asked.config["segments"]))
        asker.tell(asked, min(1.0, 2 * loss / trials.ceiling))


def space() -> SearchSpace:
    found: dict[str, Any] = {"segments": HPOInteger(1, HORIZON, is_fidelity=True)}
    for name, number in NUMBERS.items():
        if number.whole:
            found[name] = HPOInteger(int(number.low), int(number.high), log=number.log)
        else:
            found[name] = HPOFloat(number.low, number.high, log=number.log)
    return SearchSpace(found | {name: HPOCategorical(list(choices)) for name, choices in CHOICES.items()})


def _with_weights(folder: Path) -> Any:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return algorithms.ifbo(
            space(), step_size=1, initial_design_size="ndim", surrogate_path=folder, surrogate_version=VERSION
        )
    except (requests.RequestException, OSError, ValueError, tarfile.TarError) as error:
        wanted = folder / ".model" / WEIGHTS_FINAL_NAME(VERSION)
        raise MissingDataError(f"{wanted}: not there, and not to be downloaded ({error}): see {__name__}") from error
