"""A schedule: the settings of one run, segment by segment, as plain data and as PyTorch code."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trimtab.errors import StudyError
from trimtab.space import Settings
from trimtab.store.records import Node
from trimtab.task import Segment

VERSION = 1


@dataclass(frozen=True, slots=True)
class Schedule:
    """What a run was trained with. ``run_seed``: initial weights, order of data; ``horizon``: segments of a whole run."""

    run_seed: int
    horizon: int
    segments: tuple[Segment, ...]

    @classmethod
    def along(cls, path: Sequence[Node]) -> Schedule:
        """Return the schedule of the run along ``path``."""
        jobs = [node.job for node in path]
        segments = tuple(Segment(job.settings, job.seed, job.index, job.horizon) for job in jobs)
        return cls(jobs[0].run_seed, jobs[0].horizon, segments)

    def values(self, name: str) -> list[Any]:
        """Return the value of one hyperparameter in each segment."""
        return [segment.settings[name] for segment in self.segments]

    def to_record(self) -> dict[str, Any]:
        """Return the schedule as plain data."""
        segments = [{"seed": segment.seed, "settings": dict(segment.settings)} for segment in self.segments]
        return {"version": VERSION, "run_seed": self.run_seed, "horizon": self.horizon, "segments": segments}

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Schedule:
        """Return the schedule that ``to_record`` described."""
        if record.get("version") != VERSION:
            raise StudyError(f"schedule: expected version {VERSION}, got {record.get('version')!r}")
        horizon = int(record["horizon"])
        segments = tuple(
            Segment(Settings(entry["settings"]), int(entry["seed"]), index, horizon)
            for index, entry in enumerate(record["segments"])
        )
        return cls(int(record["run_seed"]), horizon, segments)

    def save(self, path: str | Path) -> None:
        """Write the schedule as JSON."""
        Path(path).write_text(json.dumps(self.to_record(), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Schedule:
        """Read a schedule that ``save`` wrote."""
        try:
            return cls.from_record(json.loads(Path(path).read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise StudyError(f"schedule: no such file {path}") from None
        except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
            raise StudyError(f"schedule: {path} is not a schedule: {error!r}") from None
