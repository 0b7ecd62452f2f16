"""Grid storage: the battery of a home, and its tank of hot water where it has one, told what to do each hour of a week.

The home is in ``home``, what is done in practice in ``rules``. All costs are in percent of those of the home without storage.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import gymnasium
import numpy as np
from gymnasium import spaces

from trimtab.errors import ControlError
from trimtab.seeds import generator
from trimtab.systems.storage.home import BEFORE, DAY, EXTRA, HOURS, Home, Record, Stay, first_days
from trimtab.systems.storage.rules import BATTERY, FOLLOW, HALF, RULES, SAVE, TANK, Shares
from trimtab.systems.system import Split, System, checked_render_mode

AHEAD = 12
"""Hours for which an agent sees the price, and what was yesterday."""
FEATURES = 20 + 4 * AHEAD
_DAYS = HOURS // DAY
_REWARD = 5.0
"""Percent saved that make a reward of 1."""
Action: TypeAlias = "np.ndarray | Sequence[int] | Shares"


@dataclass(frozen=True, slots=True)
class Stays:
    """The homes of a split, by their numbers in the challenge of ``year``, and the days on which its weeks begin."""

    year: int
    homes: Sequence[int]
    days: Sequence[int]


class Storage(gymnasium.Env[np.ndarray, Action]):
    """A week of a split. An action is an index into ``BATTERY`` and, where there is a tank, one into ``TANK``.

    Cost, carbon and peak are counted as CityLearn does: what is given to the grid is worth nothing, and the peak is the mean
    over days of the highest hour.
    """

    metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012  # as Gymnasium has it

    def __init__(self, stays: Stays, split: Split, *, render_mode: str | None = None) -> None:
        self.stays = stays
        self.split: Split = split
        self.render_mode = checked_render_mode(render_mode)
        self.tank = stays.year == 2023
        self.observation_space = spaces.Box(-1.0, 1.0, (FEATURES,), np.float32)
        self.sizes = (len(BATTERY), len(TANK)) if self.tank else (len(BATTERY),)
        self.action_space = spaces.MultiDiscrete(list(self.sizes))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        drawn = int(self.np_random.integers(2**31)) if seed is None else int(seed)
        rng = generator(drawn, self.split, "week")
        number, day = int(rng.choice(self.stays.homes)), int(rng.choice(self.stays.days))
        self.home = Home(Stay(self.stays.year, number, day, int(rng.integers(2**31))))
        self.without = totals(self.home.record.net[BEFORE:], self.home.record)
        self.peaks = np.zeros((2, _DAYS))
        return self._observe(), {"home": number, "day": day}

    def step(self, action: Action) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        shares = action if isinstance(action, Shares) else self._shares(action)
        now, usual = self.home.now, float(self.home.record.net[self.home.now])
        drawn = self.home.advance((shares.battery, shares.tank))
        costs, without = self._costs(0, drawn, now), self._costs(1, usual, now)
        reward = (without["mean"] - costs["mean"]) / _REWARD
        return self._observe(), reward, False, self.home.over, {"costs": costs}

    def told(self, battery: str | float, tank: float) -> np.ndarray:
        """Return the action that tells them so."""
        indices = [BATTERY.index(battery), TANK.index(tank)]
        return np.array(indices[: len(self.sizes)])

    def render(self) -> np.ndarray | None:  # pyright: ignore[reportIncompatibleMethodOverride]  # Gymnasium's type is wider
        if self.render_mode is None:
            return None
        from trimtab.systems.storage.picture import picture

        return picture(self.home, self.without)

    def _shares(self, action: Any) -> Shares:
        if not self.action_space.contains(np.asarray(action)):
            sizes = " and ".join(f"one below {size}" for size in self.sizes)
            raise ControlError(f"action: expected Shares or an array of indices, {sizes}, got {action!r}")
        told = BATTERY[int(action[0])]
        battery = self._following(told) if isinstance(told, str) else float(told)
        return Shares(battery, TANK[int(action[1])] if self.tank else 0.0)

    def _following(self, told: str) -> float:
        """Return the share of the battery's power that answers what the meter of the home shows now."""
        need = float(self.home.record.net[self.home.now]) / self.home.power
        most = {FOLLOW: 1.0, SAVE: 0.0, HALF: 0.5}[told]
        return float(np.clip(-need if need < 0 else -most * need, -1.0, 1.0))

    def _costs(self, row: int, drawn: float, now: int) -> dict[str, float]:
        """Return what an hour in which ``drawn`` kWh were drawn adds to each cost. ``row``: of the peaks so far to compare."""
        record, used, day = self.home.record, max(0.0, drawn), (now - BEFORE) // DAY
        peak = max(used, float(self.peaks[row, day]))
        added = {"cost": record.price[now] * used, "carbon": record.carbon[now] * used, "peak": peak - self.peaks[row, day]}
        self.peaks[row, day] = peak
        costs = {name: 100 * float(value) / self.without[name] for name, value in added.items()}
        return {"mean": sum(costs.values()) / len(costs), **costs}

    def _observe(self) -> np.ndarray:
        home = self.home
        now = min(home.now, len(home.record.net) - 1)
        seen = [*_of_time(home.record, now), *self._of_storage(now), *_of_yesterday(home.record, now)]
        return np.clip(np.array(seen), -1, 1).astype(np.float32)

    def _of_storage(self, now: int) -> list[float]:
        record, home, day = self.home.record, self.home, min((now - BEFORE) // DAY, _DAYS - 1)
        battery, tank = home.charge
        usual = self.without["peak"] / _DAYS if home.hour >= HOURS else float(np.max(record.net[now - DAY : now]))
        peak = float(self.peaks[0, day])
        return [
            battery,
            tank,
            home.power / 5 - 0.5,
            record.net[now] / 5,
            record.sun[now] / 4,
            record.hot[now] / 2,
            peak / 5,
            (record.net[now] - peak) / 5,
            usual / 5,
            record.carbon[now] / record.carbon[now - DAY : now].mean() - 1,
            float(np.maximum(-record.net[now - DAY : now], 0).sum()) / 20,
            float(np.maximum(record.net[now - DAY : now], 0).sum()) / 40,
        ]


def _of_time(record: Record, now: int) -> list[float]:
    angle = 2 * math.pi * record.hour[now] / DAY
    weekday = record.weekday[now]
    base = record.price[:DAY].min()
    return [
        math.sin(angle),
        math.cos(angle),
        float(weekday >= 6),
        float(weekday == 5),
        record.outdoor[now] / 40,
        (record.outdoor[now] - record.outdoor[now - DAY]) / 10,
        record.price[now] / base / 2 - 1,
        float(now - BEFORE) / HOURS,
    ]


def _of_yesterday(record: Record, now: int) -> list[float]:
    """Return prices of the hours to come, which are a tariff, and what these hours were like a day ago."""
    coming = np.arange(now + 1, now + 1 + AHEAD)
    prices = record.price[np.minimum(coming, len(record.price) - 1)] / record.price[:DAY].min() / 2 - 1
    ago = coming - DAY
    carbon = record.carbon[ago] / record.carbon[now - DAY : now].mean() - 1
    return [*prices, *(record.net[ago] / 5), *(record.sun[ago] / 4), *carbon]


def totals(net: np.ndarray, record: Record) -> dict[str, float]:
    """Return what is paid ($) and emitted (kg) and the sum of the days' peaks (kW), where ``net`` kWh are drawn each hour."""
    used = np.maximum(net, 0)
    week = slice(BEFORE, BEFORE + HOURS)
    return {
        "cost": float(record.price[week] @ used),
        "carbon": float(record.carbon[week] @ used),
        "peak": float(used.reshape(_DAYS, DAY).max(1).sum()),
    }


def _stays(year: int, homes: Mapping[Split, Sequence[int]]) -> dict[Split, Stays]:
    """Return the stays of each split. Weeks of 2022 are of different days of the year too; of 2023 there is a month alone."""
    days = first_days(year)
    if year == 2023:
        return {split: Stays(year, numbers, days) for split, numbers in homes.items()}
    weeks: dict[Split, Sequence[int]] = {"train": (0, 1), "validation": (2,), "test": (3,)}
    parts = {split: [day for day in days if day % 7 == 0 and day // 7 % 4 in weeks[split]] for split in homes}
    return {split: Stays(year, homes[split], parts[split]) for split in homes}


STAYS = {
    2022: _stays(2022, {"train": (1, 2, 3), "validation": (4,), "test": (5,)}),
    2023: _stays(2023, {"train": (1,), "validation": (2,), "test": (3,)}),
}


def _system(name: str, year: int, about: str) -> System:
    return System(
        name=f"storage/{name}",
        about=about,
        make=lambda split: Storage(STAYS[year][split], split),
        rules=RULES,
        trusted="self-consumption",
        cost="mean",
        unit="% of no storage",
        extra=EXTRA,
        episodes=200,
    )


SYSTEMS: tuple[System, ...] = (
    _system("battery", 2022, "the battery of a home with panels, a week; tested on a home that was not trained on"),
    _system("battery-and-tank", 2023, "battery and hot water of a home, a week; tested on a home that was not trained on"),
)
