"""Sentences: opinions, questions and captions, as words or as characters.

No sentence is on two sides; cut short and with rare words unknown, some of them look alike (a fifth of the questions).
"""

from __future__ import annotations

import gzip
import re
import zipfile
from collections import Counter
from collections.abc import Sequence

import numpy as np

from benchmarks.pilot_suite.sources import Array, Arrays, cached, data_path, divided

PADDING, UNKNOWN = 0, 1
CAPTIONS = ("train", "val", "test_2016_flickr")
CHARACTERS = "\n abcdefghijklmnopqrstuvwxyz.,'-"


def sentence_polarity() -> Arrays:
    """10,662 sentences of film reviews: x (n, 24) of 3,000 words, two classes."""

    def make() -> Arrays:
        with zipfile.ZipFile(data_path("nltk/sentence_polarity.zip")) as held:
            lines = [_lines(held, f"sentence_polarity/rt-polarity.{side}") for side in ("neg", "pos")]
        return _classified(lines, length=24, words=3000, train=8000, validation=1200, test=1400)

    return cached("sentence_polarity", make)


def subjectivity() -> Arrays:
    """10,000 sentences, subjective or objective: x (n, 20) of 3,000 words, two classes."""

    def make() -> Arrays:
        with zipfile.ZipFile(data_path("nltk/subjectivity.zip")) as held:
            lines = [_lines(held, f"subjectivity/{name}") for name in ("plot.tok.gt9.5000", "quote.tok.gt9.5000")]
        return _classified(lines, length=20, words=3000, train=7600, validation=800, test=1400)

    return cached("subjectivity", make)


def questions() -> Arrays:
    """TREC questions, the official test set: x (n, 10) of 1,500 words, six classes."""

    def make() -> Arrays:
        with zipfile.ZipFile(data_path("nltk/qc.zip")) as held:
            learned, tested = (_lines(held, f"qc/{name}.txt") for name in ("train", "test"))
        kinds = sorted({line.split(":")[0] for line in learned})
        words = _vocabulary([split_words(line.split(" ", 1)[1]) for line in learned], 1500)

        def arrays(lines: list[str]) -> tuple[Array, Array]:
            x = _encoded([split_words(line.split(" ", 1)[1]) for line in lines], words, 10)
            return x, np.asarray([kinds.index(line.split(":")[0]) for line in lines])

        parts = divided(*arrays(learned), train=4700, validation=len(learned) - 4700, test=0)
        return Arrays(parts.train, parts.validation, arrays(tested))

    return cached("questions", make)


def english_characters() -> Arrays:
    """Captions as windows of 25 characters: x (n, 24), y (n, 24) the next ones, of 32 symbols."""

    def make() -> Arrays:
        return Arrays(
            *(_windows(captions(split, "en"), count) for split, count in zip(CAPTIONS, (12_000, 500, 1000), strict=True))
        )

    return cached("english_characters", make)


def french_words() -> Arrays:
    """French captions: x (n, 4) the last four words, y (n,) the next one, of 800."""

    def make() -> Arrays:
        texts = [[split_words(line) for line in captions(split, "fr")] for split in CAPTIONS]
        words = _vocabulary(texts[0], 800)
        return Arrays(*(_grams(text, words, count) for text, count in zip(texts, (60_000, 2500, 4000), strict=True)))

    return cached("french_words", make)


def _lines(held: zipfile.ZipFile, name: str) -> list[str]:
    return held.read(name).decode("latin1").strip().split("\n")


def captions(split: str, language: str) -> list[str]:
    return gzip.decompress(data_path(f"multi30k/{split}.{language}.gz").read_bytes()).decode().strip().lower().split("\n")


def split_words(line: str) -> list[str]:
    return re.findall(r"\w+|[^\w\s]", line.lower())


def _vocabulary(texts: Sequence[Sequence[str]], size: int) -> dict[str, int]:
    counts = Counter(word for text in texts for word in text)
    ranked = sorted(counts, key=lambda word: (-counts[word], word))[: size - 2]
    return {word: 2 + place for place, word in enumerate(ranked)}


def _encoded(texts: Sequence[Sequence[str]], words: dict[str, int], length: int) -> Array:
    x = np.full((len(texts), length), PADDING, dtype=np.int64)
    for row, text in zip(x, texts, strict=True):
        kept = [words.get(word, UNKNOWN) for word in text[:length]]
        row[: len(kept)] = kept
    return x


def _classified(lines: Sequence[Sequence[str]], *, length: int, words: int, train: int, validation: int, test: int) -> Arrays:
    texts = np.asarray([line for kind in lines for line in kind], dtype=object)
    labels = np.repeat(np.arange(len(lines)), [len(kind) for kind in lines])
    parts = divided(texts, labels, train=train, validation=validation, test=test)
    # the vocabulary is of the training part alone
    known = _vocabulary([split_words(str(line)) for line in parts.train[0]], words)
    pairs = (parts.train, parts.validation, parts.test)
    return Arrays(*((_encoded([split_words(str(line)) for line in x], known, length), y) for x, y in pairs))


def _windows(lines: Sequence[str], count: int) -> tuple[Array, Array]:
    places = {character: place for place, character in enumerate(CHARACTERS)}
    text = np.asarray([places[character] for character in "\n".join(lines) if character in places])
    starts = np.random.default_rng(20_24).permutation((len(text) - 1) // 25)[:count] * 25
    found = text[starts[:, None] + np.arange(25)]
    return found[:, :-1], found[:, 1:]


def _grams(texts: Sequence[Sequence[str]], words: dict[str, int], count: int) -> tuple[Array, Array]:
    lines = [[PADDING] * 4 + [words.get(word, UNKNOWN) for word in text] for text in texts]
    grams = np.asarray([line[at : at + 5] for line in lines for at in range(len(line) - 4)])
    grams = grams[np.random.default_rng(20_24).permutation(len(grams))[:count]]
    return grams[:, :-1], grams[:, -1]
