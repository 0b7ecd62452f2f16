"""The estimators for tables: what scikit-learn asks of one, and what its users do with one."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

import trimtab as tt
from trimtab.errors import StudyError


@parametrize_with_checks([tt.TabularClassifier(segments=6, random_state=0), tt.TabularRegressor(segments=6, random_state=0)])
def test_what_scikit_learn_asks_of_an_estimator(estimator, check) -> None:
    check(estimator)


def test_a_classifier_is_good_and_says_how_it_came_to_be() -> None:
    rows, kinds = load_breast_cancer(return_X_y=True)
    train, test, known, unknown = train_test_split(rows, kinds, random_state=0)
    model = tt.TabularClassifier(segments=60, random_state=0).fit(train, known)
    assert model.score(test, unknown) > 0.93
    assert model.predict_proba(test).sum(1) == pytest.approx(1.0)
    assert "best loss on the validation split" in model.explanation_
    assert len(model.schedule_.segments) >= 1
    assert set(model.settings_) >= {"lr", "width", "kind"}
    again = pickle.loads(pickle.dumps(model))
    assert (again.predict(test) == model.predict(test)).all()


def test_a_regressor_is_better_than_the_mean_in_whatever_unit() -> None:
    rows, numbers = load_diabetes(return_X_y=True)
    for unit in (1.0, 1e6):
        model = tt.TabularRegressor(segments=40, random_state=0).fit(rows[:300], unit * numbers[:300])
        assert model.score(rows[300:], unit * numbers[300:]) > 0.3


def table(rows: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Return a data frame with words, truths, categories and gaps, and kinds that its words decide."""
    rng = np.random.default_rng(0)
    town = rng.choice(["Bonn", "Köln", "Ulm"], rows)
    size = np.where(rng.random(rows) < 0.2, np.nan, rng.normal(size=rows))
    frame = pd.DataFrame(
        {"town": town, "size": size, "new": rng.random(rows) < 0.5, "floor": pd.Categorical(rng.integers(3, size=rows))}
    )
    return frame, np.where(town == "Ulm", "south", "north")


def test_a_data_frame_with_words_and_gaps() -> None:
    frame, kinds = table(400)
    model = tt.TabularClassifier(segments=20, random_state=0).fit(frame[:300], kinds[:300])
    assert model.score(frame[300:], kinds[300:]) == 1.0
    assert list(model.feature_names_in_) == ["town", "size", "new", "floor"]
    unseen = frame[300:].assign(town="Wien")
    assert set(model.predict(unseen)) <= {"north", "south"}
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[300:].rename(columns={"town": "city"}))


def test_the_same_random_state_gives_the_same_model_and_pipelines_work() -> None:
    frame, kinds = table(200)
    model = make_pipeline(FunctionTransformer(lambda each: each), tt.TabularClassifier(segments=10, random_state=3))
    first, second = (clone(model).fit(frame, kinds).predict_proba(frame) for _ in range(2))
    assert (first == second).all()
    assert cross_val_score(model, frame, kinds, cv=2).min() > 0.9


def test_limits_and_experience_are_those_of_a_study(tmp_path) -> None:
    rows, kinds = load_breast_cancer(return_X_y=True)
    for _ in range(2):
        model = tt.TabularClassifier(
            segments=20, limits={"parameters": 2000}, experience=tmp_path / "fits.db", random_state=0
        ).fit(rows, kinds)
        assert sum(weight.numel() for weight in model.model_.parameters()) <= 2000
    assert (tmp_path / "fits.db").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"segments": 0}, "segments: expected a whole number of at least 1, got 0"),
        ({"validation_fraction": 1.0}, "validation_fraction: expected a share between 0 and 1, got 1.0"),
        ({"limits": {"weight": 3}}, r"limits\['weight'\]: expected one of parameters"),
    ],
)
def test_options_that_cannot_be_are_refused_at_fit(options, words) -> None:
    rows, kinds = load_breast_cancer(return_X_y=True)
    with pytest.raises(StudyError, match=words):
        tt.TabularClassifier(**options).fit(rows, kinds)


def test_rows_and_targets_that_do_not_fit_are_refused() -> None:
    frame, kinds = table(50)
    with pytest.raises(ValueError, match="y: expected as many as there are rows, 50, got 49"):
        tt.TabularClassifier().fit(frame, kinds[:-1])
    with pytest.raises(ValueError, match="at least two classes"):
        tt.TabularClassifier().fit(frame, np.zeros(50))
