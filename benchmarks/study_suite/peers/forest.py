"""SMAC3's multi-fidelity facade: a random forest proposes, Hyperband allots. Lindauer et al. 2022, arXiv 2109.09831."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from ConfigSpace import Categorical, ConfigurationSpace, Float, Integer
from smac import MultiFidelityFacade, Scenario
from smac.runhistory import TrialValue

from benchmarks.study_suite.meter import Meter
from benchmarks.study_suite.peers.trials import Trials, seed_globals
from benchmarks.study_suite.problems import HORIZON, Problem
from benchmarks.study_suite.space import CHOICES, NUMBERS

PLENTY = 1_000_000


def tune(problem: Problem, meter: Meter, seed: int) -> None:
    seed_globals(seed)
    trials = Trials(problem, meter, seed)
    with TemporaryDirectory() as folder:
        smac = facade(seed, Path(folder))
        while True:
            asked = smac.ask()
            trial = trials.known(asked.config, dict(asked.config))
            loss = trials.loss(trial, round(asked.budget or HORIZON))
            smac.tell(asked, TrialValue(cost=loss), save=False)


def facade(seed: int, folder: Path) -> MultiFidelityFacade:
    """Return SMAC with its defaults, but one initial configuration a dimension: the default ten would use up a small budget."""
    scenario = Scenario(
        space(seed),
        output_directory=folder,
        deterministic=True,
        n_trials=PLENTY,
        min_budget=1,
        max_budget=HORIZON,
        seed=seed,
    )
    return MultiFidelityFacade(
        scenario,
        initial_design=MultiFidelityFacade.get_initial_design(scenario, n_configs_per_hyperparameter=1),
        intensifier=MultiFidelityFacade.get_intensifier(scenario, eta=3),
        logging_level=False,
        overwrite=True,
    )


def space(seed: int) -> ConfigurationSpace:
    found = ConfigurationSpace(seed=seed)
    for name, number in NUMBERS.items():
        if number.whole:
            found.add(Integer(name, (int(number.low), int(number.high)), log=number.log))
        else:
            found.add(Float(name, (number.low, number.high), log=number.log))
    found.add([Categorical(name, choices) for name, choices in CHOICES.items()])
    return found
