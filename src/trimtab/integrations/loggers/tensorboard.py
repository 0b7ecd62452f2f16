"""TensorBoard: a run of scalars for every branch of the tree, and its HParams view of how branches started and ended."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trimtab.errors import MissingExtraError
from trimtab.integrations.loggers.scalars import Branches, finite, scalars
from trimtab.store.records import Event, Node, SegmentFinished

if TYPE_CHECKING:
    from torch.utils.tensorboard.writer import SummaryWriter

MOST_OPEN = 16
"""Each open run holds a file and a thread; the one that was longest silent is closed, and opened again if it goes on."""


class TensorBoard:
    """Writes below ``folder``, one run a branch, by segment of the run. Look at it with ``tensorboard --logdir FOLDER``.

    HParams: the settings each branch began with, the lowest error it came to, and the metrics there; written at the close.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._branches = Branches()
        self._writers: OrderedDict[str, SummaryWriter] = OrderedDict()
        self._first: dict[str, Node] = {}
        self._best: dict[str, Node] = {}

    def recall(self, events: Sequence[Event]) -> None:
        """Remember the branches of an earlier sitting, so that their curves go on in the same runs."""
        for event in events:
            if isinstance(event, SegmentFinished):
                self._remember(self._branches.name(event.node), event.node)

    def receive(self, event: Event) -> None:
        if not isinstance(event, SegmentFinished):
            return
        node = event.node
        name = self._branches.name(node)
        writer, step = self._writer(name), node.job.index + 1
        if node.before is not None:
            writer.add_scalar("train/loss", node.before.train_loss, 0)
            for metric, value in node.before.metrics.items():
                writer.add_scalar(f"validation/{metric}", value, 0)
        for tag, value in scalars(node).items():
            writer.add_scalar(tag, value, step)
        self._write_words(writer, node, new=name not in self._first)
        self._remember(name, node)

    def close(self) -> None:
        for name, first in self._first.items():
            best = self._best[name]
            numbers = {"error": best.error, **best.after.metrics}
            # "." puts the summary into the branch's own run; by default add_hparams would make another
            self._writer(name).add_hparams(
                dict(first.job.settings), {f"best/{key}": value for key, value in finite(numbers).items()}, run_name="."
            )
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()
        self._first.clear()

    def _remember(self, name: str, node: Node) -> None:
        self._first.setdefault(name, node)
        if name not in self._best or node.error < self._best[name].error:
            self._best[name] = node

    def _write_words(self, writer: SummaryWriter, node: Node, *, new: bool) -> None:
        """Write what is no number: settings that are words, when a branch begins or one of them changes."""
        words = {name: value for name, value in node.job.settings.items() if isinstance(value, str)}
        moved = {head.name for head in node.job.choice.heads if head.moves[head.chosen] != "keep"}
        for name, value in words.items():
            if new or name in moved:
                writer.add_text(f"settings/{name}", value, node.job.index + 1)

    def _writer(self, name: str) -> SummaryWriter:
        if name not in self._writers:
            if len(self._writers) >= MOST_OPEN:
                self._writers.popitem(last=False)[1].close()
            self._writers[name] = _open(self.folder / name)
        self._writers.move_to_end(name)
        return self._writers[name]


def _open(folder: Path) -> SummaryWriter:
    try:
        from torch.utils.tensorboard.writer import SummaryWriter
    except ImportError:
        raise MissingExtraError("TensorBoard needs tensorboard: pip install 'trimtab[tensorboard]'") from None
    return SummaryWriter(str(folder))
