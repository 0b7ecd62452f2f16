"""A study: propose, run, commit, learn, until the budget is spent."""

from trimtab.study.budget import Budget, Spent
from trimtab.study.result import Best, Result
from trimtab.study.schedule import Schedule
from trimtab.study.study import Study

__all__ = ["Best", "Budget", "Result", "Schedule", "Spent", "Study"]
