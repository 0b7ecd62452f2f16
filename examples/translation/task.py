"""Captions from German to English, by a transformer of two layers on either side, judged by BLEU.

trimtab run examples/translation/task.py:study
"""

from __future__ import annotations

from typing import Any

import sacrebleu
from torch import nn
from torch.utils.data import TensorDataset

import trimtab as tt
from examples.translation.captions import decode, pairs, read
from examples.translation.model import HEADS, Translator, token_loss, translate

HEADLINE, HORIZON, SEGMENT = "loss", 20, 100

SPACE = tt.Space(
    lr=tt.Float(1e-4, 0.03, log=True),
    batch_size=tt.Int(32, 256, log=True),
    weight_decay=tt.Float(1e-6, 0.3, log=True),
    dropout=tt.Float(0.0, 0.5),
    gradient_clip=tt.Float(0.1, 10.0, log=True),
    head_width=tt.Int(16, 32, log=True, live=False),
    depth=tt.Int(1, 2, live=False),
)
DEFAULT = tt.Settings(lr=1e-3, batch_size=64, weight_decay=1e-2, dropout=0.1, gradient_clip=1.0, head_width=32, depth=2)


def build_model(settings: tt.Settings) -> nn.Module:
    """Return the translator that the settings ask for."""
    return Translator(HEADS * settings["head_width"], settings["depth"], settings["dropout"])


def load_splits(seed: int = 0, *, count: int | None = None) -> tuple[TensorDataset, TensorDataset, TensorDataset]:
    """Return the official 29,000 pairs to train on (or the first ``count``), 1,014 to validate and 1,000 to test."""
    del seed
    return pairs("train", count), pairs("val"), pairs("test_2016_flickr")


def quality(model: Translator, split: str, count: int | None = None) -> dict[str, float]:
    """Return BLEU and chrF of the model's English on ``split``, against the captions as people wrote them, in lower case."""
    written = decode(translate(model, pairs(split, count).tensors[0]))
    references = [line.lower() for line in read(split, "en")[:count]]
    bleu, chrf = sacrebleu.corpus_bleu(written, [references]), sacrebleu.corpus_chrf(written, [references])
    return {"bleu": bleu.score, "chrf": chrf.score}


def make_task(seed: int = 0, *, count: int | None = None, steps: int = SEGMENT) -> tt.TorchTask:
    """Return the task: 100 steps a segment; a run of twenty at batches of 64 is four and a half epochs."""
    train, validation, test = load_splits(seed, count=count)
    defaults = {"optimizer": "adamw", "beta2": 0.98}
    return tt.TorchTask(
        build=build_model,
        train=train,
        validation=validation,
        test=test,
        loss=token_loss,
        segment=f"{steps} steps",
        evaluation_batch=256,
        defaults=defaults,
    )


def study(seed: int = 0, **options: Any) -> tt.Study:
    """Return a study of ten whole runs."""
    given = {"budget": tt.Budget(segments=10 * HORIZON), "horizon": HORIZON, "store": "translation.db", "seed": seed, **options}
    return tt.Study(make_task(seed), SPACE, **given)
