"""The length of a segment, as a user writes it: "1 epoch", "0.5 epochs", "200 steps", "5000 examples"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast

from trimtab.errors import TaskError

Unit = Literal["epoch", "step", "example"]
_FORM = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*(epoch|step|example)s?\s*")


@dataclass(frozen=True, slots=True)
class Length:
    """So many epochs (any positive number), optimizer steps or training examples (whole numbers)."""

    amount: float
    unit: Unit

    def __str__(self) -> str:
        return f"{self.amount:g} {self.unit}{'' if self.amount == 1 else 's'}"

    def count(self, size: int | None) -> tuple[int | None, int | None]:
        """Return (examples, steps), one of them None, for a training set of ``size`` examples (None: not known)."""
        if self.unit == "step":
            return None, int(self.amount)
        if self.unit == "example":
            return int(self.amount), None
        if size is None:
            raise TaskError(
                f"segment: {str(self)!r} needs a training set that knows its length, and this stream has no __len__; "
                "give the segment in steps or examples, such as '200 steps'"
            )
        return max(1, round(self.amount * size)), None


def parse_length(text: str) -> Length:
    """Return the length that ``text`` describes.

    >>> parse_length("0.5 epochs")
    Length(amount=0.5, unit='epoch')
    """
    found = _FORM.fullmatch(text) if isinstance(text, str) else None
    if not found:
        raise TaskError(
            f"segment: expected a length such as '1 epoch', '0.5 epochs', '200 steps', '5000 examples', got {text!r}"
        )
    amount, unit = float(found[1]), cast("Unit", found[2])
    if amount <= 0 or (unit != "epoch" and amount != int(amount)):
        wanted = "a positive number of epochs" if unit == "epoch" else f"a positive whole number of {unit}s"
        raise TaskError(f"segment: expected {wanted}, got {text!r}")
    return Length(amount, unit)
