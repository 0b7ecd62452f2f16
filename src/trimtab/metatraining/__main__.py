"""Learn a policy: python -m trimtab.metatraining FOLDER [--courses N] [--seed N] [--workers N] [--write FILE].

Stop it at any time and run it again: it goes on where it was. Now and then it says what the policy is worth on courses that it
does not learn on; with --write it then leaves the policy as a file that ``Pilot(policy=FILE)`` takes.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path

import numpy as np
import torch

from trimtab.metatraining import validation
from trimtab.metatraining.fitting import Worths
from trimtab.metatraining.learning import FIT_EVERY, Progress, learn, settle
from trimtab.metatraining.shipping import policy_bytes

VALIDATION_SEED = 77
COURSES = 8
"""Validation courses."""


def main() -> None:
    """Learn, validate, write, until all courses are done."""
    parser = argparse.ArgumentParser(prog="python -m trimtab.metatraining")
    parser.add_argument("folder", type=Path, help="where all that was tried is kept")
    parser.add_argument("--courses", type=int, default=3000, help="courses of 64 trainings each (default: %(default)s)")
    parser.add_argument(
        "--every", type=int, default=200, help=f"courses between validations, by {FIT_EVERY}s (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1, help="processes that steer courses at a time (default: %(default)s)")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    parser.add_argument("--device", default=device, help="where the nets are (default here: %(default)s)")
    parser.add_argument("--write", type=Path, help="the policy file to be written")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    settle()
    peers = _peers(given.folder / "validation.npy")

    def judge(worths: Worths, progress: Progress) -> None:
        if progress.courses % given.every and progress.courses < given.courses:
            return
        figures = _figures(worths, peers)
        logging.info("%s", json.dumps({"validation": figures, "courses": progress.courses}))
        if given.write:
            card = {
                "trainings": progress.trainings,
                "seconds": round(progress.seconds),
                "seed": given.seed,
                "validation": figures,
            }
            given.write.write_bytes(policy_bytes(worths, card))

    learn(given.folder, seed=given.seed, courses=given.courses, workers=given.workers, device=given.device, judge=judge)


def _peers(path: Path) -> list[np.ndarray]:
    """Return what fixed rates come to on each validation course; it takes minutes, and is kept in ``path``."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, np.stack([validation.fixed(VALIDATION_SEED, index) for index in range(COURSES)]))
    return list(np.load(path))


def _figures(worths: Worths, peers: list[np.ndarray]) -> dict[str, float]:
    """Return ratios of final losses to the best of nine fixed rates: the policy's, and those of the default rates."""
    found = [validation.validate(worths, VALIDATION_SEED, index, each) for index, each in enumerate(peers)]
    excess = np.concatenate([one.excess.ravel() for one in found])
    default = np.concatenate([one.default_excess.ravel() for one in found])
    return {
        "median ratio": round(float(np.exp(np.median(excess))), 4),
        "mean ratio": round(float(np.exp(excess.mean())), 4),
        "share below the best of nine": round(float((excess < 0).mean()), 3),
        "share below the default": round(float((excess < default).mean()), 3),
        "median ratio of the default": round(float(np.exp(np.median(default))), 4),
        "divergences": float(sum(one.divergences for one in found)),
    }


if __name__ == "__main__":
    main()
