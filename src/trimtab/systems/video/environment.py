"""Recommendation: film after film, which ranker chooses what a person sees next, replayed on ratings of MovieLens.

Only films that the person has rated can be shown, so that what they say of each is known and nothing has to be guessed.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from trimtab.errors import ControlError
from trimtab.seeds import generator
from trimtab.systems.system import Split, System, checked_render_mode
from trimtab.systems.video.rankers import RANKERS, Told, known
from trimtab.systems.video.ratings import LIKED, members, ratings
from trimtab.systems.video.rules import RULES, TRUSTED

SHOWN = 20
"""Films in a session."""
NAMES = tuple(RANKERS)
_BY_RANKER = 6
FEATURES = 6 + _BY_RANKER * len(NAMES)


class Films(gymnasium.Env[np.ndarray, int | np.integer[Any]]):
    """A session of a person of a split. An action is an index into ``NAMES``: who chooses the next film."""

    metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012  # as Gymnasium has it

    def __init__(self, split: Split, *, render_mode: str | None = None) -> None:
        self.split: Split = split
        self.render_mode = checked_render_mode(render_mode)
        self.observation_space = spaces.Box(-1.0, 1.0, (FEATURES,), np.float32)
        self.action_space = spaces.Discrete(len(NAMES))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        self.seed = int(self.np_random.integers(2**31)) if seed is None else int(seed)
        rng = generator(self.seed, self.split, "session")
        self.who = int(rng.choice(members(self.split)))
        # half of what they have rated, so that no two sessions of a person are the same
        films = np.flatnonzero(ratings().stars[self.who])
        self.left = np.zeros(ratings().stars.shape[1], dtype=bool)
        self.left[rng.choice(films, max(SHOWN, len(films) // 2), replace=False)] = True
        self.told = Told()
        self.asked: list[int] = []
        self._rank()
        return self._observe(), {}

    def step(self, action: int | np.integer[Any]) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        if action not in self.action_space:
            raise ControlError(f"action: expected an index into the rankers {NAMES}, got {action!r}")
        film = self.choices[int(action)]
        stars = float(ratings().stars[self.who, film])
        self.left[film] = False
        self.told = Told([*self.told.films, film], [*self.told.stars, stars])
        self.asked.append(int(action))
        disliked = float(stars < LIKED)
        over = len(self.asked) == SHOWN
        if not over:
            self._rank()
        costs = {"missed": 100 * disliked / SHOWN, "missing stars": (5 - stars) / SHOWN}
        return self._observe(), 0.5 - disliked, over, False, {"costs": costs}

    def render(self) -> np.ndarray | None:  # pyright: ignore[reportIncompatibleMethodOverride]  # Gymnasium's type is wider
        if self.render_mode is None:
            return None
        from trimtab.systems.video.picture import picture

        return picture(self.asked, self.told)

    def _rank(self) -> None:
        """Let every ranker choose a film of those that are left."""
        worth = np.array([ranker(self.told) for ranker in RANKERS.values()])
        self.choices = [int(film) for film in np.where(self.left, worth, -np.inf).argmax(axis=1)]
        self.worth = worth

    def _observe(self) -> np.ndarray:
        person, stars = ratings().people[self.who], np.array(self.told.stars)
        liked = float((stars >= LIKED).mean()) if len(stars) else 0.5
        last = (stars[-1] - 3) / 2 if len(stars) else 0.0
        spread = float(stars.std()) / 2 if len(stars) else 0.0
        seen = [len(stars) / SHOWN, liked, last, spread, person.age / 80, person.woman]
        for index, film in enumerate(self.choices):
            seen += self._of_ranker(index, film)
        return np.clip(np.array(seen), -1, 1).astype(np.float32)

    def _of_ranker(self, index: int, film: int) -> list[float]:
        """Return how it did so far, and what the others think of its film."""
        stars = np.array([star for star, asked in zip(self.told.stars, self.asked, strict=True) if asked == index])
        hits = float((stars >= LIKED).sum())
        judges = [NAMES.index(name) for name in ("neighbours", "factors", "genres")]
        thoughts = [float(self.worth[judge, film] - 3.5) for judge in judges]
        return [hits / 10, (len(stars) - hits) / 10, float(known().mean[film] - 3.5), *thoughts]


SYSTEMS: tuple[System, ...] = (
    System(
        name="video/movielens",
        about="which ranker shows a person the next film, on ratings of MovieLens",
        make=Films,
        rules=RULES,
        trusted=TRUSTED,
        cost="missed",
        unit="% of the films shown that were not liked",
        extra="",
        episodes=2000,
    ),
)
