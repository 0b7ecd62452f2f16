"""Captions of Multi30k in two languages as subwords, which are learned from the training captions."""

from __future__ import annotations

import gzip
from functools import cache

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from torch import Tensor
from torch.utils.data import TensorDataset

from trimtab.datasets import fetch

SUBWORDS, LENGTH = 4000, 28
PADDING, START, END = 0, 1, 2


def read(split: str, language: str) -> list[str]:
    """Return the captions of ``split``: train, val or test_2016_flickr."""
    return gzip.decompress((fetch("multi30k") / f"{split}.{language}.gz").read_bytes()).decode().strip().split("\n")


@cache
def tokenizer() -> Tokenizer:
    """Return one set of 4,000 subwords for both languages. Sennrich et al. 2016."""
    found = Tokenizer(models.BPE(unk_token="<unknown>"))
    found.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    found.pre_tokenizer = pre_tokenizers.Metaspace()
    found.decoder = decoders.Metaspace()
    special = ["<padding>", "<start>", "<end>", "<unknown>"]
    trainer = trainers.BpeTrainer(vocab_size=SUBWORDS, special_tokens=special, show_progress=False)
    found.train_from_iterator([*read("train", "de"), *read("train", "en")], trainer)
    return found


def encode(lines: list[str]) -> Tensor:
    """Return subwords between a start and an end, padded, (lines, 28)."""
    rows = torch.full((len(lines), LENGTH), PADDING)
    for row, told in zip(rows, tokenizer().encode_batch(lines), strict=True):
        numbers = [START, *told.ids[: LENGTH - 2], END]
        row[: len(numbers)] = torch.tensor(numbers)
    return rows


def decode(rows: Tensor) -> list[str]:
    """Return what ``rows`` say, up to their end."""
    kept = [row[: row.index(END)] if END in row else row for row in rows.tolist()]
    return tokenizer().decode_batch(kept)


def pairs(split: str, count: int | None = None) -> TensorDataset:
    """Return German captions, and English ones: all but the last subword as inputs, all but the first as targets."""
    german, english = (encode(read(split, language)[:count]) for language in ("de", "en"))
    return TensorDataset(german, english[:, :-1], english[:, 1:])
