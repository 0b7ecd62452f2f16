"""Series: leaf outlines, power demand, speech, building load and the heart."""

from __future__ import annotations

import csv
from typing import Any

import numpy as np

from benchmarks.pilot_suite.sources import Array, Arrays, cached, data_path, divided, package

BUILDINGS = "citylearn/citylearn_challenge_2022_phase_1"


def leaves() -> Arrays:
    """Outlines of leaves (OSULeaf), every third point: x (n, 1, 143), six classes."""

    def make() -> Arrays:
        x, y = package("aeon.datasets").load_osuleaf()
        return divided(x[:, :, ::3].astype(np.float32), _places(y), train=262, validation=80, test=100)

    return cached("leaves", make)


def italy_power() -> Arrays:
    """Days of Italian power demand: x (n, 24, 1), two classes (winter or summer half)."""

    def make() -> Arrays:
        x, y = package("aeon.datasets").load_italy_power_demand()
        return divided(x.transpose(0, 2, 1).astype(np.float32), _places(y), train=550, validation=220, test=326)

    return cached("italy_power", make)


def vowels() -> Arrays:
    """Two Japanese vowels by nine speakers: x (n, 29, 13), the last channel telling padding from sound, nine classes."""

    def make() -> Arrays:
        sounds, y = package("aeon.datasets").load_japanese_vowels()[:2]
        x = np.zeros((len(sounds), 29, 13), dtype=np.float32)
        for row, sound in zip(x, sounds, strict=True):
            row[: sound.shape[1], :12], row[: sound.shape[1], 12] = sound.T, 1
        return divided(x, _places(y), train=380, validation=110, test=150)

    return cached("vowels", make)


def building_load() -> Arrays:
    """Five buildings' hours: x (n, 12, 4) load, sunlight and the hour, y (n, 1) the next hour's load; split by time."""

    def make() -> Arrays:
        parts = [_hours(number) for number in range(1, 6)]
        ends = [int(len(parts[0][0]) * share) for share in (0.7, 0.85)]

        def during(first: int | None, last: int | None) -> tuple[Array, Array]:
            # a day is left out between the splits, so that no window reaches into the next
            x, y = (np.concatenate([part[side][first:last] for part in parts]) for side in (0, 1))
            kept = np.random.default_rng(20_24).permutation(len(x))[: 20_000 if first is None else 1200]
            return x[kept], y[kept]

        return Arrays(during(None, ends[0]), during(ends[0] + 24, ends[1]), during(ends[1] + 24, None))

    return cached("building_load", make)


def heart() -> Arrays:
    """MIT-BIH record 100 at 60 Hz: x (n, 1, 64) a second of the signal, y (n, 8) what follows; split by time."""

    def make() -> Arrays:
        record = package("wfdb").rdrecord(str(data_path("ecg/100.hea").with_suffix("")), channels=[0])
        data_path("ecg/100.dat")
        signal = record.p_signal[: 6 * (len(record.p_signal) // 6), 0].reshape(-1, 6).mean(axis=1)
        cuts = [int(len(signal) * share) for share in (0.6, 0.8)]
        first, last = signal[: cuts[0]], signal[cuts[1] :]
        scale = first.std()
        parts = ((first, 10_000), (signal[cuts[0] : cuts[1]], 1000), (last, 2500))
        return Arrays(*(_excerpts((part - first.mean()) / scale, count) for part, count in parts))

    return cached("heart", make)


def _places(labels: Any) -> Array:
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)


def _hours(number: int) -> tuple[Array, Array]:
    with data_path(f"{BUILDINGS}/Building_{number}.csv").open(newline="") as opened:
        rows = list(csv.DictReader(opened))
    columns = {
        name: np.asarray([float(row[name]) for row in rows]) for name in ("non_shiftable_load", "solar_generation", "hour")
    }
    load = columns["non_shiftable_load"]
    angle = columns["hour"] / 24 * 2 * np.pi
    learned = int(len(load) * 0.7)
    load = (load - load[:learned].mean()) / load[:learned].std()
    features = np.stack([load, columns["solar_generation"] / 500, np.sin(angle), np.cos(angle)], axis=1)
    windows = np.lib.stride_tricks.sliding_window_view(features, 12, axis=0).transpose(0, 2, 1)[:-1]
    return windows.astype(np.float32), load[12:, None].astype(np.float32)


def _excerpts(signal: Array, count: int) -> tuple[Array, Array]:
    starts = np.random.default_rng(20_24).integers(len(signal) - 72, size=count)
    found = signal[starts[:, None] + np.arange(72)].astype(np.float32)
    return found[:, None, :64], found[:, 64:]
