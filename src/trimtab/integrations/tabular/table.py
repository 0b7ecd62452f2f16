"""From a table as people have it to numbers: gaps filled and marked, numbers scaled, categories as columns of their own."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

FURTHEST = 8.0
"""Deviations from the mean at which numbers are cut: a single broken reading would otherwise decide the net."""
MOST_CATEGORIES = 64


def encoder_for(columns: Any) -> ColumnTransformer | Pipeline:
    """Return what turns rows of a data frame (its ``columns`` are told by their types) or of an array into numbers."""
    if not hasattr(columns, "dtypes"):
        return _numbers()
    numeric = [name for name, kind in columns.dtypes.items() if getattr(kind, "kind", "O") in "iufb"]
    others = [name for name in columns.columns if name not in numeric]
    encode = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=MOST_CATEGORIES, sparse_output=False)
    return ColumnTransformer([("numbers", _numbers(), numeric), ("categories", encode, others)])


def encoded(encoder: ColumnTransformer | Pipeline, rows: Any) -> NDArray[np.float32]:
    """Return ``rows`` as numbers, (n, columns)."""
    numbers = np.asarray(encoder.transform(rows), dtype=np.float64)
    return np.clip(numbers, -FURTHEST, FURTHEST).astype(np.float32)


def has_words(rows: Any) -> bool:
    """Return whether ``rows`` is a data frame with columns that are not numbers."""
    return hasattr(rows, "dtypes") and any(getattr(kind, "kind", "O") not in "iufb" for kind in getattr(rows, "dtypes", {}))


def _numbers() -> Pipeline:
    return make_pipeline(SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True), StandardScaler())
