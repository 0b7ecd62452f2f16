"""What was measured of each system, a line for each training seed and for each rule, kept beside the code that made it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent / "outcomes"


@dataclass(frozen=True, slots=True)
class Outcome:
    """``contender``: "trimtab", "trimtab tuned" or a rule; ``seed``: of the training (0 for a rule).

    ``costs``: by name, of each held-out episode in order. ``seconds``: of training and validation; ``decision``: of one.
    ``guarded``: whether the policy left all decisions to its rule.
    """

    system: str
    contender: str
    seed: int
    costs: dict[str, list[float]]
    seconds: float
    decision: float
    guarded: bool = False

    @property
    def key(self) -> tuple[str, int]:
        return self.contender, self.seed


class Ledger:
    """The outcomes of ``system``; adding one writes it at once, so that a benchmark goes on where it was stopped."""

    def __init__(self, system: str, folder: Path = FOLDER) -> None:
        self.path = folder / f"{system.replace('/', '-')}.jsonl"
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []
        found = [Outcome(**json.loads(line)) for line in lines]
        self.outcomes = {outcome.key: outcome for outcome in found}

    def add(self, outcome: Outcome) -> None:
        """Keep ``outcome``."""
        self.outcomes[outcome.key] = outcome
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(outcome)) + "\n")

    def costs(self, contender: str, cost: str) -> np.ndarray:
        """Return ``cost`` of ``contender``, shape (training seeds, episodes)."""
        rows = [outcome.costs[cost] for (name, _), outcome in sorted(self.outcomes.items()) if name == contender]
        return np.array(rows)
