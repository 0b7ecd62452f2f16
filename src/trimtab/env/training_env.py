"""The training process as an ordinary Gymnasium environment: one episode is one run, one step is one segment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic

import gymnasium
import numpy as np

from trimtab.env.observation import LIMIT, feature_names, observe
from trimtab.env.reward import Reward, resolve
from trimtab.env.trace import Trace, standings
from trimtab.errors import StudyError
from trimtab.seeds import derive
from trimtab.space import Settings, Space, Value
from trimtab.task import Segment, Split, State, Task

Start = Settings | Mapping[str, Value] | Callable[[np.random.Generator], Settings] | None


class TrainingEnv(gymnasium.Env[np.ndarray, np.ndarray], Generic[State]):
    """A task under the control of an agent.

    Observation: ``observe``, shape (features,), float32. Action: one move for each live hyperparameter, MultiDiscrete.
    An action that is masked (``info["masks"]``) changes nothing. An episode is terminated by a divergence and
    after ``horizon`` segments. ``start``: the settings an episode begins with, a function that draws them, or None: drawn
    from the space.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012  (gymnasium's own declaration)

    def __init__(
        self,
        task: Task[State],
        space: Space,
        *,
        horizon: int,
        start: Start = None,
        reward: str | Reward | Mapping[str, Reward | float] = "final",
    ) -> None:
        if horizon < 1:
            raise StudyError(f"horizon: expected at least one segment, got {horizon!r}")
        task.check(space)
        self.task = task
        self.space = space
        self.horizon = horizon
        self.start = start if callable(start) or start is None else space.check(start)
        self.reward = resolve(reward)
        features = len(feature_names(space))
        self.observation_space = gymnasium.spaces.Box(-LIMIT, LIMIT, (features,), np.float32)
        self.action_space = gymnasium.spaces.MultiDiscrete(np.array(space.heads))  # type: ignore[assignment]
        self._state: State | None = None
        self._trace: Trace | None = None
        self._run_seed = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        """Start a run. ``options``: ``settings`` overrides the start of this episode."""
        super().reset(seed=seed)
        self._run_seed = int(self.np_random.integers(2**62))
        settings = self._first_settings(options or {})
        self._state = self.task.start(settings, seed=self._run_seed)
        self._trace = Trace(settings, self.task.measure(self._state), (), self.horizon)
        return observe(self._trace, self.task.goal, self.space), self._info()

    def step(self, action: Sequence[int] | np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Make the moves, train one segment and measure it."""
        if self._trace is None or self._state is None:
            raise StudyError("TrainingEnv.step: call reset first")
        settings = self.space.apply(self._trace.settings, self._allowed(action))
        index = len(self._trace.steps)
        segment = Segment(settings, derive(self._run_seed, index), index, self.horizon)
        after = self.task.advance(self._state, segment)
        self._trace = self._trace.extended(settings, after)
        stand = standings(self._trace, self.task.goal)
        terminated = after.status == "diverged" or len(self._trace.steps) >= self.horizon
        observation = observe(self._trace, self.task.goal, self.space)
        return observation, float(self.reward(stand[-2], stand[-1])), terminated, False, self._info()

    def evaluate(self, split: Split) -> Mapping[str, float]:
        """Return the metrics of the present model on ``split``; no agent sees them."""
        if self._state is None:
            raise StudyError("TrainingEnv.evaluate: call reset first")
        return self.task.evaluate(self._state, split)

    def _first_settings(self, options: Mapping[str, Any]) -> Settings:
        if "settings" in options:
            return self.space.check(options["settings"])
        if self.start is None:
            return self.space.sample(self.np_random)
        return self.start(self.np_random) if callable(self.start) else Settings(self.start)

    def _allowed(self, action: Sequence[int] | np.ndarray) -> tuple[int, ...]:
        assert self._trace is not None
        masks = self.space.masks(self._trace.settings)
        kept = self.space.keep()
        return tuple(int(i) if mask[int(i)] else keep for i, mask, keep in zip(action, masks, kept, strict=True))

    def _info(self) -> dict[str, Any]:
        assert self._trace is not None
        steps = self._trace.steps
        measured = steps[-1].after if steps else self._trace.before
        info = {
            "settings": self._trace.settings,
            "metrics": dict(measured.metrics),
            "masks": self.space.masks(self._trace.settings),
        }
        # before the first step there is no train loss; seconds stay out: they differ where all else is the same
        return {**info, "train_loss": measured.train_loss} if steps else info
