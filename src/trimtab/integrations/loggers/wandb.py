"""Weights & Biases: one run a study, one row a segment. Offline unless asked otherwise: nothing leaves this machine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from trimtab.errors import MissingExtraError
from trimtab.integrations.loggers.scalars import finite, scalars
from trimtab.store.records import Event, Node, SegmentFinished, StudyCreated

if TYPE_CHECKING:
    from wandb.sdk.wandb_run import Run


class WandB:
    """Logs to ``project``. ``mode="offline"`` writes below ``folder``, to be sent by ``wandb sync`` if ever.

    The study's configuration becomes the run's; the best segment, its settings and its metrics become the summary.
    """

    def __init__(
        self,
        project: str,
        *,
        name: str | None = None,
        folder: str | Path = ".",
        mode: Literal["offline", "online", "disabled"] = "offline",
    ) -> None:
        self.project, self.name, self.folder = project, name, Path(folder)
        self.mode: Literal["offline", "online", "disabled"] = mode
        self._run: Run | None = None
        self._best: Node | None = None

    def recall(self, events: Sequence[Event]) -> None:
        """Take over the configuration and the best segment of earlier sittings; W&B has a run for each sitting."""
        for event in events:
            if isinstance(event, SegmentFinished):
                self._weigh(event.node)
            elif isinstance(event, StudyCreated):
                self.receive(event)

    def receive(self, event: Event) -> None:
        run = self._run = self._run or self._start()
        match event:
            case StudyCreated(config, fingerprint, _):
                run.config.update({**config, "task": fingerprint}, allow_val_change=True)
            case SegmentFinished(node):
                self._segment(run, node)
            case _:
                pass

    def close(self) -> None:
        if self._run is None:
            return
        if self._best is not None:
            best = self._best
            summary: dict[str, Any] = {"best/segment": best.id, "best/error": best.error}
            summary |= {f"best/validation/{name}": value for name, value in best.after.metrics.items()}
            summary |= {f"best/settings/{name}": value for name, value in best.job.settings.items()}
            self._run.summary.update(summary)
        self._run.finish()
        self._run = None

    def _weigh(self, node: Node) -> None:
        if math.isfinite(node.error) and (self._best is None or node.error < self._best.error):
            self._best = node

    def _segment(self, run: Run, node: Node) -> None:
        self._weigh(node)
        row: dict[str, Any] = finite(scalars(node))
        row |= {f"settings/{name}": value for name, value in node.job.settings.items() if isinstance(value, str)}
        row |= {"tree/segment": node.id, "tree/run": node.job.root, "tree/index": node.job.index + 1}
        row |= {"tree/parent": node.job.parent} if node.job.parent is not None else {}
        if self._best is not None:
            row["study/best error"] = self._best.error
        run.log(row)

    def _start(self) -> Run:
        try:
            import wandb
        except ImportError:
            raise MissingExtraError("WandB needs wandb: pip install 'trimtab[wandb]'") from None
        self.folder.mkdir(parents=True, exist_ok=True)
        # a study reports on itself: neither the terminal's output nor the user's code and machine are taken
        settings = wandb.Settings(
            silent=True,
            console="off",
            disable_git=True,
            disable_code=True,
            x_disable_stats=True,
            x_disable_meta=True,
            x_save_requirements=False,
        )
        return wandb.init(
            project=self.project, name=self.name, dir=str(self.folder), mode=self.mode, reinit="create_new", settings=settings
        )
