"""DEHB: differential evolution within Hyperband. Awad et al. 2021, arXiv 2105.09821."""

from __future__ import annotations

from tempfile import TemporaryDirectory

from dehb import DEHB

from benchmarks.study_suite.meter import Meter
from benchmarks.study_suite.peers.trials import Trials, seed_globals
from benchmarks.study_suite.problems import HORIZON, Problem
from benchmarks.study_suite.space import CHOICES, NUMBERS, from_unit


def tune(problem: Problem, meter: Meter, seed: int) -> None:
    seed_globals(seed)
    trials = Trials(problem, meter, seed)
    with TemporaryDirectory() as folder:
        dehb = DEHB(
            dimensions=len(NUMBERS) + len(CHOICES),
            mutation_factor=0.5,
            crossover_prob=0.5,
            min_fidelity=1,
            max_fidelity=HORIZON,
            eta=3,
            n_workers=1,
            seed=seed,
            output_path=folder,
            save_freq="end",
            log_level="ERROR",
        )
        while True:
            job = dehb.ask()
            trial = trials.known(job["config_id"], from_unit(job["config"]))
            loss = trials.loss(trial, round(job["fidelity"]))
            dehb.tell(job, {"fitness": loss, "cost": job["fidelity"]})
