"""Sentences as numbers: a vocabulary of the training sentences, and rows of equal length."""

from __future__ import annotations

import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from trimtab.datasets import fetch

PADDING, UNKNOWN = 0, 1


def read_lines(name: str, member: str) -> list[str]:
    """Return the lines of ``member`` of the zip file of the data set ``name``."""
    with zipfile.ZipFile(fetch(name) / f"{name}.zip") as held:
        return held.read(member).decode("latin1").strip().split("\n")


def split_words(sentence: str) -> list[str]:
    """Return the words and marks of ``sentence``, in lower case."""
    return re.findall(r"\w+|[^\w\s]", sentence.lower())


def vocabulary(sentences: Iterable[str], size: int) -> dict[str, int]:
    """Return the numbers of the most frequent words, from 2: ``size`` numbers in all, with padding and unknown."""
    counts = Counter(word for sentence in sentences for word in split_words(sentence))
    ranked = sorted(counts, key=lambda word: (-counts[word], word))[: size - 2]
    return {word: number for number, word in enumerate(ranked, start=2)}


def encode(sentences: Sequence[str], words: dict[str, int], length: int) -> Tensor:
    """Return the first ``length`` words of each sentence, padded at the end: (sentences, length)."""
    rows = torch.full((len(sentences), length), PADDING)
    for row, sentence in zip(rows, sentences, strict=True):
        numbers = [words.get(word, UNKNOWN) for word in split_words(sentence)[:length]]
        row[: len(numbers)] = torch.tensor(numbers, dtype=torch.int64)
    return rows
