"""What was measured of each field, a line for each method and seed, kept beside the code, with the version that made it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import trimtab as tt
from benchmarks.domains_suite import methods
from benchmarks.kept import version

FOLDER = Path(__file__).parent / "outcomes"
EXAMPLES = Path(__file__).parents[2] / "examples"
PACKAGE = Path(tt.__file__).parent
CODE: dict[str, Sequence[Path]] = {
    "study": (PACKAGE,),
    "pilot": (PACKAGE / "pilot", PACKAGE / "policy", PACKAGE / "agents", PACKAGE / "task"),
}
"""What decides of a method's figures beside the example; any other method: the task and the space."""
OTHERS: Sequence[Path] = (PACKAGE / "task", PACKAGE / "space", Path(methods.__file__))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What ``method`` came to on the test split with a budget of ``runs`` whole runs. ``figure``: the field's own metric."""

    method: str
    seed: int
    runs: int
    version: str
    figure: float
    loss: float
    seconds: float

    @property
    def key(self) -> tuple[str, int, int]:
        return self.method, self.seed, self.runs


class Ledger:
    """The outcomes of ``field``; adding one writes it at once, so that a benchmark goes on where it was stopped."""

    def __init__(self, field: str, folder: Path = FOLDER) -> None:
        self.path = folder / f"{field}.jsonl"
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []
        self.outcomes = {outcome.key: outcome for outcome in (Outcome(**json.loads(line)) for line in lines)}

    def add(self, outcome: Outcome) -> None:
        """Keep ``outcome``, instead of what another version of the code made."""
        self.outcomes[outcome.key] = outcome
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lines = [json.dumps(asdict(self.outcomes[key])) for key in sorted(self.outcomes)]
        self.path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def seeds(self, names: Sequence[str], runs: int) -> int:
        """Return how many seeds, from the first on, all of the methods ``names`` have."""
        seed = 0
        while all((name, seed, runs) in self.outcomes for name in names):
            seed += 1
        return seed


def version_of(field: str, method: str) -> str:
    """Return the version of the code by which ``method`` is measured on ``field``."""
    return version([*sorted(EXAMPLES.glob("*.py")), EXAMPLES / field, *CODE.get(method, OTHERS)])
