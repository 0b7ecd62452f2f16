"""Where new runs begin: the user's list first, then settings proposed by a sampler from what earlier runs came to."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from trimtab.errors import StudyError
from trimtab.seeds import derive, generator
from trimtab.space import Bool, Categorical, Float, Int, Settings, Space

SAMPLERS = ("random", "tpe")

Outcome = tuple[Settings, float]
"""Settings that a run began with, and a rank value: lower is better, +inf for a failure."""


def propose(sampler: str, space: Space, outcomes: Sequence[Outcome], *, seed: int, index: int) -> Settings:
    """Return the settings that run ``index`` (from 0) begins with."""
    if sampler == "random":
        return space.sample(generator(seed, "root", index))
    return _tpe(space, outcomes, derive(seed, "root", index) % 2**32)


def check_sampler(sampler: str) -> str:
    """Return ``sampler`` if it is known, else raise StudyError."""
    if sampler not in SAMPLERS:
        raise StudyError(f"roots: expected one of {', '.join(map(repr, SAMPLERS))}, got {sampler!r}")
    return sampler


def _tpe(space: Space, outcomes: Sequence[Outcome], seed: int) -> Settings:
    """Ask Optuna's TPE, told all earlier runs. Only the order of their values matters to it."""
    import optuna

    distributions = _distributions(space)
    study = _quiet_study(optuna.samplers.TPESampler(seed=seed, n_startup_trials=8))
    finite = [value for _, value in outcomes if math.isfinite(value)]
    worst = max(finite, default=0.0) + 1.0
    for settings, value in outcomes:
        study.add_trial(
            optuna.trial.create_trial(
                params={name: settings[name] for name in distributions},
                distributions=distributions,
                value=value if math.isfinite(value) else worst,
            )
        )
    trial = study.ask(distributions)
    return space.check({name: trial.params[name] for name in space})


def _quiet_study(sampler: Any) -> Any:
    """Return an Optuna study that says nothing of its own birth."""
    import optuna

    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        return optuna.create_study(sampler=sampler)
    finally:
        optuna.logging.set_verbosity(verbosity)


def _distributions(space: Mapping[str, Any]) -> dict[str, Any]:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    found: dict[str, Any] = {}
    for name, member in space.items():
        match member:
            case Float():
                found[name] = FloatDistribution(member.low, member.high, log=member.log)
            case Int():
                found[name] = IntDistribution(member.low, member.high, log=member.log)
            case Categorical():
                found[name] = CategoricalDistribution(member.choices)
            case Bool():
                found[name] = CategoricalDistribution((False, True))
            case _:
                raise StudyError(f"{name}: Optuna's samplers know no {type(member).__name__}; use roots='random'")
    return found


def rank_value(settings_rung: int, error: float, rungs: int) -> float:
    """Return a value by which runs of different length can be ordered: a higher rung is better, then a lower error."""
    return (rungs - settings_rung) * 1e3 + max(-400.0, min(400.0, error))
