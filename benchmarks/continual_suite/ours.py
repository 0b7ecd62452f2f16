"""trimtab on a stream."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.continual_suite.peers import BATCH, MEMORY, STEPS, Predictions
from benchmarks.continual_suite.streams import Chunk, Stream
from trimtab.continual import Continual


def tuned(stream: Stream, chunks: Sequence[Chunk], seed: int, agent: str | None = "dqn") -> Predictions:
    """Predict by a ``Continual`` as it comes."""
    learner = Continual(stream.build, loss=stream.loss, steps=STEPS, batch_size=BATCH, memory=MEMORY, agent=agent, seed=seed)
    for x, y in chunks:
        output = learner.predict(x)
        yield (output.argmax(1) if stream.classes else output).numpy()
        learner.step(x, y)
