"""Estimators for tables in the way of scikit-learn, whose nets a study tunes while they train."""

from importlib.util import find_spec

from trimtab.errors import MissingExtraError

if find_spec("sklearn") is None:
    raise MissingExtraError("the estimators for tables need scikit-learn: pip install 'trimtab[tabular]'")

from trimtab.integrations.tabular.estimators import TabularClassifier, TabularRegressor  # only where there is scikit-learn

__all__ = ["TabularClassifier", "TabularRegressor"]
