"""The training process as a Markov decision process: observations, rewards and a Gymnasium environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trimtab.env.observation import feature_names, observe
from trimtab.env.reward import AtMost, Gap, Reward, Seconds, best, final, resolve
from trimtab.env.trace import Standing, Step, Trace, finite_error, standings

if TYPE_CHECKING:
    from trimtab.env.training_env import TrainingEnv

__all__ = [
    "AtMost",
    "Gap",
    "Reward",
    "Seconds",
    "Standing",
    "Step",
    "Trace",
    "TrainingEnv",
    "best",
    "feature_names",
    "final",
    "finite_error",
    "observe",
    "resolve",
    "standings",
]


def __getattr__(name: str) -> Any:
    # Gymnasium is imported only by those who want the environment
    if name == "TrainingEnv":
        from trimtab.env.training_env import TrainingEnv

        return TrainingEnv
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
