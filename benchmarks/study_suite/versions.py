"""Two states of trimtab's search on the same problems and seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import fmean, median

from benchmarks.results import Headline, interval
from benchmarks.study_suite.meter import Outcome
from benchmarks.study_suite.sooner import Place


def beside(new: Mapping[Place, Outcome], old: Mapping[Place, Outcome], name: str) -> list[Headline]:
    """Return what ``new`` shipped last over what ``old`` did, ``name`` by name, in the studies that both have made.

    Medians with intervals, means (both on a logarithmic scale) and shares of lower ones, of validation and of test losses.
    """
    both = sorted(new.keys() & old.keys())
    if not both:
        return []
    lines = list[Headline]()
    for split in ("validation", "test"):
        logs = [math.log(getattr(new[place].shipped[-1], split) / getattr(old[place].shipped[-1], split)) for place in both]
        seeds, what = len({seed for _, seed in both}), f"{split} loss over that of {name}"
        low, high = interval(logs)
        lines += [
            Headline(f"{what}, median", math.exp(median(logs)), low=math.exp(low), high=math.exp(high), seeds=seeds),
            Headline(f"{what}, mean", math.exp(fmean(logs)), seeds=seeds),
            Headline(f"{what}: share lower, of {len(both)}", fmean(log < 0 for log in logs), seeds=seeds, better="higher"),
        ]
    return lines
