"""What people do with a stream: freeze, train on, train anew, a forest that adapts, or say what was said last.

Each is a function (stream, chunks, seed) that yields its predictions of a chunk, (n,), before it is shown the targets.
The nets get as many optimizer steps a chunk as champion and challenger of a ``Continual`` together; it makes more after a start
and after a change, as does what is trained anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from benchmarks.continual_suite.streams import Chunk, Stream
from benchmarks.pilot_suite.sources import package

STEPS, BATCH, MEMORY, EVERY = 24, 32, 2000, 20
Predictions = Iterator[np.ndarray]
Method = Callable[[Stream, Sequence[Chunk], int], Predictions]


class Net:
    """A net with AdamW at 1e-3 and what it last saw; ``fit`` makes steps on batches of it."""

    def __init__(self, stream: Stream, seed: int) -> None:
        self.stream, self.generator = stream, torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)
        self.model = stream.build()
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-3)

    def predict(self, x: torch.Tensor) -> np.ndarray:
        self.model.eval()
        with torch.no_grad():
            output = self.model(x)
        return (output.argmax(1) if self.stream.classes else output).numpy()

    def fit(self, chunk: Chunk, steps: int) -> None:
        x, y = chunk
        self.model.train()
        loss = functional.cross_entropy if self.stream.classes else functional.mse_loss
        for _ in range(steps):
            chosen = torch.randint(len(x), (BATCH,), generator=self.generator)
            self.optimizer.zero_grad()
            loss(self.model(x[chosen]), y[chosen]).backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.optimizer.step()


def frozen(stream: Stream, chunks: Sequence[Chunk], seed: int) -> Predictions:
    """Train on the first tenth of the stream and never again."""
    net, first = Net(stream, seed), max(1, len(chunks) // 10)
    for index, chunk in enumerate(chunks):
        yield net.predict(chunk[0])
        if index < first:
            net.fit(joined(chunks[: index + 1]), STEPS * 10)


def online(stream: Stream, chunks: Sequence[Chunk], seed: int) -> Predictions:
    """Train on every chunk at a fixed rate."""
    net = Net(stream, seed)
    for chunk in chunks:
        yield net.predict(chunk[0])
        net.fit(chunk, STEPS)


def retrained(stream: Stream, chunks: Sequence[Chunk], seed: int) -> Predictions:
    """Train anew on the last 2,000 examples, every 20 chunks (and after each of the first)."""
    net = Net(stream, seed)
    for index, chunk in enumerate(chunks):
        yield net.predict(chunk[0])
        if index < EVERY or index % EVERY == 0:
            net = Net(stream, seed + index)
            net.fit(latest(chunks[: index + 1]), STEPS * (index + 1 if index < EVERY else EVERY))


def triggered(stream: Stream, chunks: Sequence[Chunk], seed: int) -> Predictions:
    """Train on every chunk; train anew on the latest examples when ADWIN finds a change in the errors."""
    net, detector = Net(stream, seed), package("river.drift", "pip install river").ADWIN()
    for index, chunk in enumerate(chunks):
        predicted = net.predict(chunk[0])
        yield predicted
        level = detector.estimation
        for error in errors(stream, predicted, chunk[1].numpy()):
            detector.update(error)
        if detector.drift_detected and detector.estimation > level:
            net = Net(stream, seed + index)
            net.fit(latest(chunks[max(0, index - 4) : index + 1]), STEPS * EVERY)
        else:
            net.fit(chunk, STEPS)


def forest(stream: Stream, chunks: Sequence[Chunk], seed: int) -> Predictions:
    """Adaptive random forest of river, ten trees. Gomes et al. 2017."""
    found = package("river.forest", "pip install river")
    model = found.ARFClassifier(seed=seed) if stream.classes else found.ARFRegressor(seed=seed)
    for x, y in chunks:
        rows = [dict(enumerate(row)) for row in x.tolist()]
        yield np.array([model.predict_one(row) or 0 for row in rows])
        for row, target in zip(rows, y.tolist(), strict=True):
            model.learn_one(row, target)


def unchanged(stream: Stream, chunks: Sequence[Chunk], seed: int) -> Predictions:
    """Say what was seen last: the last class; of numbers the mean so far."""
    del seed
    last, seen = 0.0, list[float]()
    for x, y in chunks:
        yield np.full(len(x), last)
        seen.extend(y.tolist())
        last = float(y[-1]) if stream.classes else float(np.mean(seen))


def errors(stream: Stream, predicted: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return the error of each example: wrong or not, or the squared difference."""
    return (predicted != targets).astype(float) if stream.classes else (predicted - targets) ** 2


def latest(chunks: Sequence[Chunk]) -> Chunk:
    """Return the last examples, as many as are remembered."""
    x, y = joined(chunks)
    return x[-MEMORY:], y[-MEMORY:]


def joined(chunks: Sequence[Chunk]) -> Chunk:
    """Return several chunks as one."""
    return torch.cat([x for x, _ in chunks]), torch.cat([y for _, y in chunks])


PEERS: dict[str, Method] = {
    "frozen": frozen,
    "online": online,
    "retrained": retrained,
    "retrained at drift": triggered,
    "adaptive forest": forest,
    "no change": unchanged,
}
