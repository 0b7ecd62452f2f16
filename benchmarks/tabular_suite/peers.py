"""What is fitted to tables otherwise: gradient boosting as it comes, and boosting and a perceptron tuned by Optuna's TPE.

A tuned peer has as many seconds as the estimator had that it is compared with, picks by the same share of validation rows,
and learns from all training rows again with what it found.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

import optuna
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline

from benchmarks.tabular_suite.tables import Table, frame_for_boosting
from trimtab.integrations.tabular.table import encoder_for

VALIDATION = 0.2
Make = Callable[[Table, optuna.Trial, int], Any]


def boosting(table: Table, seed: int, **options: Any) -> Any:
    """Return scikit-learn's histogram gradient boosting for ``table``, by default as it comes. Ke et al. 2017."""
    kind = HistGradientBoostingClassifier if table.classes else HistGradientBoostingRegressor
    return kind(categorical_features="from_dtype", random_state=seed, **options)


def suggested_boosting(table: Table, trial: optuna.Trial, seed: int) -> Any:
    """Return gradient boosting with what ``trial`` suggests."""
    return boosting(
        table,
        seed,
        learning_rate=trial.suggest_float("learning_rate", 0.01, 0.5, log=True),
        max_iter=trial.suggest_int("max_iter", 30, 1000, log=True),
        max_leaf_nodes=trial.suggest_int("max_leaf_nodes", 4, 128, log=True),
        min_samples_leaf=trial.suggest_int("min_samples_leaf", 2, 100, log=True),
        l2_regularization=trial.suggest_float("l2_regularization", 1e-6, 10.0, log=True),
        max_features=trial.suggest_float("max_features", 0.3, 1.0),
    )


def suggested_perceptron(table: Table, trial: optuna.Trial, seed: int) -> Any:
    """Return scikit-learn's perceptron, stopped early, with what ``trial`` suggests, behind the encoder of our estimators."""
    kind = MLPClassifier if table.classes else MLPRegressor
    depth, width = trial.suggest_int("depth", 1, 4), trial.suggest_int("width", 16, 256, log=True)
    net = kind(
        hidden_layer_sizes=(width,) * depth,
        activation=trial.suggest_categorical("activation", ["relu", "tanh"]),
        alpha=trial.suggest_float("alpha", 1e-7, 1.0, log=True),
        learning_rate_init=trial.suggest_float("learning_rate_init", 1e-4, 0.1, log=True),
        batch_size=trial.suggest_int("batch_size", 16, 256, log=True),
        early_stopping=True,
        random_state=seed,
    )
    return make_pipeline(encoder_for(table.rows), net)


def tuned(make: Make, table: Table, seed: int, seconds: float, *, as_boosting: bool) -> Any:
    """Return what TPE found within ``seconds``, fitted to all rows of ``table``."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    rows = frame_for_boosting(table.rows) if as_boosting else table.rows
    alike = table.targets if table.classes else None
    parts = train_test_split(rows, table.targets, test_size=VALIDATION, random_state=seed, stratify=alike)
    learned, watched, targets, wanted = parts
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed, multivariate=True))
    ends = time.perf_counter() + seconds
    while not study.trials or time.perf_counter() < ends:
        trial = study.ask()
        study.tell(trial, float(make(table, trial, seed).fit(learned, targets).score(watched, wanted)))
    return make(table, study.best_trial, seed).fit(rows, table.targets)
