"""The space of the suite, as Optuna is asked for it."""

from __future__ import annotations

from typing import Any

import optuna

from benchmarks.study_suite.space import CHOICES, NUMBERS


def suggested(trial: optuna.Trial) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for name, number in NUMBERS.items():
        if number.whole:
            settings[name] = trial.suggest_int(name, int(number.low), int(number.high), log=number.log)
        else:
            settings[name] = trial.suggest_float(name, number.low, number.high, log=number.log)
    return settings | {name: trial.suggest_categorical(name, choices) for name, choices in CHOICES.items()}
