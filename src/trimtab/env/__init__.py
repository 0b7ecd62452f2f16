"""The training process as a Markov decision process: observations, rewards and a Gymnasium environment."""

from trimtab.env.observation import feature_names, observe
from trimtab.env.reward import AtMost, Gap, Reward, Seconds, best, final, resolve
from trimtab.env.trace import Standing, Step, Trace, finite_error, standings

__all__ = [
    "AtMost",
    "Gap",
    "Reward",
    "Seconds",
    "Standing",
    "Step",
    "Trace",
    "best",
    "feature_names",
    "final",
    "finite_error",
    "observe",
    "resolve",
    "standings",
]
