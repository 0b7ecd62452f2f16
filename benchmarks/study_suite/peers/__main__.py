"""One study by one peer: ``python -m benchmarks.study_suite.peers NAME PROBLEM SEED BUDGET``; its last line is the outcome."""

from __future__ import annotations

import argparse
import json
from contextlib import suppress
from dataclasses import asdict

import torch

from benchmarks.study_suite.meter import BudgetUsedError, Meter
from benchmarks.study_suite.peers import PEERS
from benchmarks.study_suite.problems import PROBLEMS


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.study_suite.peers", description=__doc__)
    parser.add_argument("name", choices=PEERS)
    parser.add_argument("problem", choices=PROBLEMS)
    parser.add_argument("seed", type=int)
    parser.add_argument("budget", type=float, help="in whole runs")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    peer, problem = PEERS[asked.name], PROBLEMS[asked.problem]
    problem.data()
    meter = Meter(problem, asked.budget)
    with suppress(BudgetUsedError):
        peer.tune(problem, meter, asked.seed)
    about = {"method": asked.name, "problem": asked.problem, "seed": asked.seed, "budget": asked.budget}
    print(json.dumps({**about, "version": peer.version, "spent": meter.spent, **asdict(meter.finish())}), flush=True)


if __name__ == "__main__":
    main()
