"""What ``import trimtab`` costs: at most 60 ms above ``import numpy``, and none of the heavy libraries."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys

import numpy as np

from benchmarks.results import Headline, Measured, interval, run

HEAVY = ("torch", "ray", "pandas", "sqlalchemy", "plotly", "optuna", "matplotlib", "gymnasium")


def seconds_to_import(module: str) -> float:
    """Return the seconds that a fresh interpreter takes to import ``module``."""
    code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


def heavy_modules() -> list[str]:
    """Return the heavy libraries that ``import trimtab`` loads."""
    code = f"import json, sys, trimtab; print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    return json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def measure(arguments: argparse.Namespace) -> Measured:
    """Import both in turn, in fresh interpreters."""
    pairs = [(seconds_to_import("trimtab"), seconds_to_import("numpy")) for _ in range(10 if arguments.quick else 40)]
    ours, numpys = np.median(np.array(pairs) * 1000, axis=0)
    above = [1000 * (one - other) for one, other in pairs]
    low, high = interval(above)
    heavy = heavy_modules()
    middle = float(np.median(above))
    return [
        Headline("import milliseconds above numpy", middle, "import numpy", numpys, ours / numpys, low, high, len(pairs)),
        Headline("heavy libraries loaded", len(heavy)),
    ], {"milliseconds": pairs, "heavy": heavy}


if __name__ == "__main__":
    run("imports", measure)
