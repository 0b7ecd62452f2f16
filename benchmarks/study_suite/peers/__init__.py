"""Other tuners on the problems of this suite, each from its own package, in its fair setting, charged by the same meter.

What is needed besides trimtab, in an environment of their own (Python 3.11, one for all of them)::

    pip install 'trimtab[benchmarks]' optuna==5.0.0 smac==2.4.1 'ray[tune]==2.60.0'
    pip install syne-tune==0.16.0 huggingface_hub             # which its conformal quantile regression imports
    pip install --no-deps dehb==0.1.2                         # it asks for numpy 1, and runs with numpy 2
    pip install loguru distributed pyarrow                    # what dehb needs besides
    pip install neural-pipeline-search==0.17.0 ifbo==0.4.1    # the weights of ifbo: see freeze_thaw.py
    pip install --no-deps recbole==1.2.1                      # for a data file in its wheel
    pip install pytest pytest-timeout                         # to test them

A peer's package is imported when the peer is used, not before.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

from benchmarks.pilot_suite.sources import package
from benchmarks.study_suite.meter import Meter
from benchmarks.study_suite.problems import Problem


@dataclass(frozen=True, slots=True)
class Peer:
    """``distribution`` is what is installed, ``needs`` what is imported, ``module`` of this package has ``function``."""

    distribution: str
    needs: str
    module: str
    options: Mapping[str, Any] = field(default_factory=dict)
    function: str = "tune"

    @property
    def version(self) -> str:
        return metadata.version(self.distribution)

    def tune(self, problem: Problem, meter: Meter, seed: int) -> None:
        """Run until the meter raises BudgetUsedError, or there is nothing more to do."""
        package(self.needs, f"pip install {self.distribution}")
        tune = getattr(importlib.import_module(f"{__name__}.{self.module}"), self.function)
        tune(problem, meter, seed, **self.options)


PEERS: Mapping[str, Peer] = {
    "random": Peer("numpy", "numpy", "random_search"),
    "top-1": Peer("numpy", "numpy", "one_segment", {"keep": 1}),
    "top-3": Peer("numpy", "numpy", "one_segment", {"keep": 3}),
    "top-5": Peer("numpy", "numpy", "one_segment", {"keep": 5}),
    "tpe-hyperband": Peer("optuna", "optuna", "tpe"),
    "warm-tpe": Peer("optuna", "optuna", "tpe", function="warm"),
    "gp": Peer("optuna", "optuna", "gp"),
    "asha": Peer("numpy", "numpy", "asha"),
    "asha-stopping": Peer("syne-tune", "syne_tune", "stopping", {"kind": "ASHA"}),
    "cqr": Peer("syne-tune", "syne_tune", "stopping", {"kind": "ASHACQR"}),
    "smac": Peer("smac", "smac", "forest"),
    "dehb": Peer("dehb", "dehb", "evolution"),
    "ifbo": Peer("neural-pipeline-search", "neps", "freeze_thaw"),
    "pbt": Peer("ray", "ray", "population", {"kind": "pbt"}),
    "pb2": Peer("ray", "ray", "population", {"kind": "pb2"}),
}
