"""What is poor about data, as far as it can be seen before a training: repeats, leaks, doubtful labels, rare classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

LOOKED_AT, NEIGHBOURS = 2000, 3
"""Examples that are compared with one another, and how many of the nearest have to agree against a label."""

AGREEMENT = 0.1
"""How much more often than by chance the nearest have to agree before they are believed."""

REPEATED, LEAKED, DOUBTFUL, RARE = 0.02, 0.01, 0.05, 0.02
"""Shares from which each is worth a word."""


@dataclass(frozen=True, slots=True)
class Concern:
    """``about``: what is looked at. ``text``: what was found. ``advice``: what to do about it."""

    about: str
    text: str
    advice: str


def audit(splits: Mapping[str, tuple[Tensor, Tensor]]) -> list[Concern]:
    """Return what is to be told of ``splits``, each (inputs, targets), ``"train"`` among them."""
    found = [*_repeats(splits["train"][0]), *_leaks(splits), *_classes(splits)]
    inputs, targets = splits["train"]
    if not targets.is_floating_point() and targets.ndim == 1 and inputs.is_floating_point():
        found += _labels(inputs, targets)
    return found


def _rows(inputs: Tensor) -> list[bytes]:
    return [row.tobytes() for row in inputs.reshape(len(inputs), -1).cpu().contiguous().numpy()] if len(inputs) else []


def _repeats(inputs: Tensor) -> list[Concern]:
    rows = _rows(inputs)
    again = len(rows) - len(set(rows))
    if again < REPEATED * len(rows):
        return []
    advice = "what is there twice counts twice; if the copies came by mistake, drop them"
    return [Concern("repeats", f"{again} of {len(rows)} training examples are copies of others", advice)]


def _leaks(splits: Mapping[str, tuple[Tensor, Tensor]]) -> list[Concern]:
    known = set(_rows(splits["train"][0]))
    found = list[Concern]()
    for name in (each for each in splits if each != "train"):
        rows = _rows(splits[name][0])
        shared = sum(row in known for row in rows)
        if shared >= max(1, LEAKED * len(rows)):
            advice = f"what is learned by heart looks like skill on {name}: divide so that no example is on two sides"
            found.append(Concern("leak", f"{shared} of {len(rows)} {name} examples are in train too", advice))
    return found


def _classes(splits: Mapping[str, tuple[Tensor, Tensor]]) -> list[Concern]:
    targets = splits["train"][1]
    if targets.is_floating_point() or targets.ndim != 1:
        return []
    kinds, counts = targets.unique(return_counts=True)
    found = list[Concern]()
    rarest = int(counts.argmin())
    if counts[rarest] < RARE * len(targets):
        text = f"class {int(kinds[rarest])} has {int(counts[rarest])} of {len(targets)} training examples"
        advice = "accuracy hardly notices it: weigh the loss, and aim for AUROC, average precision or macro F1 by scores=..."
        found.append(Concern("rare class", text, advice))
    for name in (each for each in splits if each != "train"):
        absent = sorted({*kinds.tolist()} - {*splits[name][1].unique().tolist()})
        if absent:
            text = f"{name} has no example of {'class' if len(absent) == 1 else 'classes'} {', '.join(map(str, absent[:5]))}"
            found.append(Concern("absent class", text, "nothing can be said of it there: divide by class (stratify)"))
    return found


def _labels(inputs: Tensor, targets: Tensor) -> list[Concern]:
    """Tell of labels that all of the nearest examples contradict. Wilson 1972."""
    chosen = torch.randperm(len(inputs), generator=torch.Generator().manual_seed(0))[:LOOKED_AT]
    rows = inputs[chosen].reshape(len(chosen), -1).double().cpu()
    if len(rows) <= NEIGHBOURS:
        return []
    rows = (rows - rows.mean(0)) / rows.std(0).clamp_min(1e-9)
    apart = torch.cdist(rows, rows).fill_diagonal_(torch.inf)
    labels = targets[chosen].cpu()
    near = labels[apart.topk(NEIGHBOURS, largest=False).indices]
    agreed = (near == near[:, :1]).all(1)
    chance = float((labels.unique(return_counts=True)[1] / len(labels)).pow(NEIGHBOURS).sum())
    if agreed.sum() < (chance + AGREEMENT) * len(rows):
        # where neighbours hardly agree more than by chance, nearness says nothing of labels
        return []
    wrong = int((agreed & (near[:, 0] != labels)).sum())
    share = wrong / int(agreed.sum())
    if share < DOUBTFUL:
        return []
    text = f"{share:.0%} of the examples whose {NEIGHBOURS} nearest agree have another label than those ({wrong} seen)"
    advice = "look at some of them; with labels that are wrong, label_smoothing and dropout as hyperparameters help"
    return [Concern("labels", text, advice)]
