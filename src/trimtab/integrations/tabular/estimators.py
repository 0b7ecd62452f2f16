"""``TabularClassifier`` and ``TabularRegressor``: a study behind the two methods of scikit-learn, ``fit`` and ``predict``."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import LabelEncoder
from sklearn.utils import Tags, check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from trimtab.errors import StudyError
from trimtab.integrations.tabular.net import build_net, outputs_of, space_for
from trimtab.integrations.tabular.refit import TIMES, Mean, affordable, refitted
from trimtab.integrations.tabular.table import encoded, encoder_for, has_words
from trimtab.study import Budget, Result, Study
from trimtab.task.torch_task import TorchTask

RUN = 20
"""Segments of a whole run."""
LEAST, MOST = 1500, 20_000
"""Examples of a segment: an epoch, within these bounds."""
LEAST_ROWS = 2


class _Tabular(BaseEstimator):
    """What both have in common. ``fit`` leaves ``model_`` (an nn.Module), ``settings_``, ``schedule_`` and ``explanation_``.

    A study finds a schedule by rows that are set aside; then, if the budget allows, it is gone through again from other
    weights with all rows, up to three times, and the mean of these nets is the model.
    """

    def __init__(
        self,
        *,
        segments: int = 200,
        validation_fraction: float = 0.2,
        limits: Mapping[str, float] | None = None,
        experience: str | Path | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.segments = segments
        self.validation_fraction = validation_fraction
        self.limits = limits
        self.experience = experience
        self.random_state = random_state

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _rows(self, rows: Any, *, reset: bool, **options: Any) -> Any:
        """Return ``rows`` checked as scikit-learn does; a data frame with words in it stays one."""
        if has_words(rows):
            validate_data(self, rows, skip_check_array=True, reset=reset)
            return rows
        return validate_data(self, rows, reset=reset, dtype="numeric", ensure_all_finite="allow-nan", **options)

    def _tune(self, rows: Any, targets: NDArray[Any], *, outputs: int, loss: str, alike: NDArray[Any] | None) -> None:
        """Spend a study on ``rows``, keep what is best by a validation split of them, and learn that again from all rows."""
        if not isinstance(self.segments, int) or self.segments < 1:
            raise StudyError(f"segments: expected a whole number of at least 1, got {self.segments!r}")
        if not 0 < self.validation_fraction < 1:
            raise StudyError(f"validation_fraction: expected a share between 0 and 1, got {self.validation_fraction!r}")
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        self.encoder_ = encoder_for(rows).fit(rows)
        x = encoded(self.encoder_, rows)
        train, validation = _parts(len(x), self.validation_fraction, alike, seed)
        make_task = partial(
            TorchTask,
            build=partial(build_net, inputs=x.shape[1], outputs=outputs),
            validation=(torch.from_numpy(x[validation]), torch.from_numpy(targets[validation])),
            loss=loss,
            reference="linear",
        )
        examples, run = min(MOST, max(LEAST, len(train))), min(RUN, self.segments)
        # a limit is kept by one net, not by the mean of several
        times = min(affordable(self.segments, run), TIMES if self.limits is None else 1)
        learned = (torch.from_numpy(x[train]), torch.from_numpy(targets[train]))
        with tempfile.TemporaryDirectory(prefix="trimtab-") as folder:
            result = Study(
                make_task(train=learned, segment=f"{examples} examples"),
                space_for(len(train)),
                budget=Budget(segments=self.segments - times * run),
                horizon=run,
                limits=self.limits,
                experience=self.experience,
                store=Path(folder) / "study.db",
                seed=seed,
            ).run()
            self._keep(result)
        # as many passes through all rows as the schedule made through those that it was found with
        every = f"{round(examples * len(x) / len(train))} examples"
        whole = make_task(train=(torch.from_numpy(x), torch.from_numpy(targets)), segment=every)
        nets = refitted(whole, result.schedule, times)
        if nets:
            self.model_ = Mean(nets, classes=outputs > 1)

    def _keep(self, result: Result) -> None:
        self.model_: torch.nn.Module = result.load_model()
        self.settings_ = dict(result.best.settings)
        self.schedule_ = result.schedule
        self.explanation_ = result.explain()
        self.validation_metrics_ = dict(result.best.metrics)

    def _outputs(self, rows: Any) -> NDArray[np.float64]:
        check_is_fitted(self, "model_")
        x = encoded(self.encoder_, self._rows(rows, reset=False))
        return outputs_of(self.model_, torch.from_numpy(x)).numpy()


class TabularClassifier(ClassifierMixin, _Tabular):
    """Classify rows of a table by a perceptron that a study tunes while it trains.

    ``segments``: the budget; twenty are a whole run. ``validation_fraction``: share of the rows by which models are picked.
    ``limits``: as in ``Study``, such as ``{"parameters": 5000}``. ``experience``: path of a store that learns from fit to fit.
    Data frames may have words and gaps in them.

    >>> from sklearn.datasets import load_iris
    >>> rows, kinds = load_iris(return_X_y=True)
    >>> model = TabularClassifier(segments=20, random_state=0).fit(rows, kinds)
    >>> bool(model.score(rows, kinds) > 0.9)
    True
    """

    def fit(self, X: Any, y: Any) -> Self:  # the names of scikit-learn
        """Tune and train on rows ``X`` (n, columns) with classes ``y`` (n,)."""
        rows, kinds = _pair(self, X, y)
        check_classification_targets(kinds)
        encode = LabelEncoder().fit(kinds)
        self.classes_: NDArray[Any] = np.asarray(encode.classes_)
        if len(self.classes_) < 2:
            raise ValueError(f"y: expected at least two classes, got one class: {self.classes_[0]!r}")
        targets = np.asarray(encode.transform(kinds), dtype=np.int64)
        self._tune(rows, targets, outputs=len(self.classes_), loss="cross_entropy", alike=targets)
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the probability of each class, (n, classes)."""
        return torch.from_numpy(self._outputs(X)).softmax(1).numpy()

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the most probable class of each row, (n,)."""
        likeliest = self.predict_proba(X).argmax(1)
        return self.classes_[likeliest]


class TabularRegressor(RegressorMixin, _Tabular):
    """Predict a number for each row of a table by a perceptron that a study tunes while it trains.

    Options as those of ``TabularClassifier``. The targets are scaled to mean 0 and deviation 1 within.
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Tune and train on rows ``X`` (n, columns) with numbers ``y`` (n,)."""
        rows, numbers = _pair(self, X, y, numeric=True)
        numbers = numbers.astype(np.float64)
        self._middle, self._spread = float(numbers.mean()), float(numbers.std()) or 1.0
        targets = ((numbers - self._middle) / self._spread).astype(np.float32)
        self._tune(rows, targets, outputs=1, loss="mse", alike=None)
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Return a number for each row, (n,)."""
        outputs = self._outputs(X)
        return self._middle + self._spread * outputs


def _pair(estimator: _Tabular, rows: Any, targets: Any, *, numeric: bool = False) -> tuple[Any, NDArray[Any]]:
    """Return rows and targets, checked as scikit-learn does; of a data frame with words the frame."""
    if targets is None:
        raise ValueError(f"{type(estimator).__name__} requires y to be passed, but the target y is None")
    if has_words(rows):
        checked = column_or_1d(targets, warn=True)
        if len(checked) != len(rows):
            raise ValueError(f"y: expected as many as there are rows, {len(rows)}, got {len(checked)}")
        validate_data(estimator, rows, skip_check_array=True, reset=True)
        return rows, np.asarray(checked)
    x, y = validate_data(
        estimator,
        rows,
        targets,
        dtype="numeric",
        ensure_all_finite="allow-nan",
        y_numeric=numeric,
        ensure_min_samples=LEAST_ROWS,
    )
    return x, column_or_1d(y, warn=True)


def _parts(rows: int, fraction: float, alike: NDArray[Any] | None, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which rows are trained on and which are validated by; classes in equal shares where there are enough of each."""
    held = max(1, round(fraction * rows))
    counts = None if alike is None else np.bincount(alike)
    stratify = alike if counts is not None and counts.min() >= 2 and min(held, rows - held) >= len(counts) else None
    train, validation = train_test_split(np.arange(rows), test_size=held, random_state=seed, stratify=stratify)
    return np.asarray(train), np.asarray(validation)
