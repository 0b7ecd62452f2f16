"""Recommendation: a shop ranks what it shows to VirtualTaobao's shoppers, page by page.

An episode is some shoppers one after the other. Nothing that is shown changes what comes later, so that bandits do as well.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from trimtab.errors import ControlError
from trimtab.seeds import generator
from trimtab.systems.shop.rules import ARMS, RULES, arms
from trimtab.systems.shop.shoppers import KNOBS, SHOWN, TRAITS, click_chances, draw_pages, draw_shoppers
from trimtab.systems.system import Rule, Split, System, checked_render_mode

SHOPPERS = 20
"""In an episode; they look at some 150 pages together."""
LONGEST = 100
"""Pages that a shopper looks at, at the most."""
Weights = np.ndarray


class Shop(gymnasium.Env[np.ndarray, np.ndarray | int]):
    """An action is 27 weights in [-1, 1]; with ``few``, the number of one of ``ARMS`` such vectors that were drawn once."""

    metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012  # as Gymnasium has it

    def __init__(self, split: Split, *, few: bool = False, render_mode: str | None = None) -> None:
        self.split: Split = split
        self.few = few
        self.render_mode = checked_render_mode(render_mode)
        self.observation_space = spaces.Box(0.0, 1.0, (TRAITS + 2,), np.float32)
        self.action_space: spaces.Space[Any] = spaces.Discrete(ARMS) if few else spaces.Box(-1.0, 1.0, (KNOBS,), np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        drawn = int(self.np_random.integers(2**31)) if seed is None else int(seed)
        rng = generator(drawn, self.split, "shoppers")
        self.shoppers = draw_shoppers(SHOPPERS, rng)
        self.pages = draw_pages(self.shoppers, rng)
        self.clicks: list[tuple[int, int]] = []
        self.last = 0
        self._place = self._page = 0
        self._clicking = generator(drawn, self.split, "clicks")
        return self._observe(), {}

    def step(self, action: np.ndarray | int) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        weights = self._weights(action)
        chances = click_chances(self.shoppers[self._place : self._place + 1], np.array([self._page]), weights[None])[0]
        self.last = int(min(SHOWN, np.searchsorted(chances.cumsum(), self._clicking.random(), side="right")))
        self.clicks.append((self._place, self.last))
        self._page += 1
        if self._page >= self.pages[self._place]:
            self._place, self._page = self._place + 1, 0
        over = self._place == SHOPPERS
        missed = (SHOWN - self.last) / float(self.pages.sum())
        return self._observe(), self.last / SHOWN, False, over, {"costs": {"missed": missed}}

    def render(self) -> np.ndarray | None:  # pyright: ignore[reportIncompatibleMethodOverride]  # Gymnasium's type is wider
        if self.render_mode is None:
            return None
        from trimtab.systems.shop.picture import picture

        return picture(self.clicks, self.pages)

    def _weights(self, action: np.ndarray | int) -> Weights:
        if action not in self.action_space:
            wanted = f"a number in 0..{ARMS - 1}" if self.few else f"{KNOBS} weights in [-1, 1]"
            raise ControlError(f"action: expected {wanted}, got {action!r}")
        return arms()[int(action)] if self.few else np.asarray(action, dtype=np.float64)

    def _observe(self) -> np.ndarray:
        shopper = self.shoppers[min(self._place, SHOPPERS - 1)]
        return np.concatenate([shopper, [self._page / LONGEST, self.last / SHOWN]]).astype(np.float32)


def _system(name: str, about: str, *, few: bool) -> System:
    rules: dict[str, Rule] = {
        rule: _numbered(each) if few else each for rule, each in RULES.items() if not few or rule != "zero"
    }
    return System(
        name=name,
        about=about,
        make=lambda split: Shop(split, few=few),
        rules=rules,
        trusted="popular",
        cost="missed",
        unit="of ten items a page that are not clicked",
        extra="",
        bins=3,
        episodes=100,
        # what is shown changes nothing that comes later
        options={"gamma": 0.0, "n_step": 1},
    )


def _numbered(rule: Rule) -> Rule:
    """Return ``rule``, whose actions are vectors of ``arms()``, as one whose actions are their numbers."""

    def made(env: Any) -> Any:
        act = rule(env)
        return lambda seen: int(np.abs(arms() - act(seen)).sum(axis=1).argmin())

    return made


SYSTEMS: tuple[System, ...] = (
    _system("shop/taobao", "27 weights by which items are ranked for VirtualTaobao's shoppers", few=False),
    _system("shop/taobao-arms", "the same, by one of 32 given rankings", few=True),
)
