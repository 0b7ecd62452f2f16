"""The schedule that a Pilot flew, as the source of a class that is used like it and needs PyTorch alone."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from trimtab.errors import PilotError
from trimtab.pilot import balance, closures, replayed
from trimtab.pilot.history import RETURNS, Entry
from trimtab.policy.rules import BALANCE

_MODULES = (closures, balance, replayed)
"""What an exported schedule consists of, in order."""
_HEAD = '''"""A schedule, recorded from a training of {segments} segments that trimtab steered.

    schedule = schedule_for(optimizer, model)        # before the first step
    for epoch in range({segments}):
        train_one_epoch(model, loader, optimizer)
        schedule.step()
"""

'''

_TAIL = '''

FIRST = {first}
SEGMENTS = {rates}
BACK = {back}


def schedule_for(optimizer: Optimizer, model: nn.Module, **knobs: Callable[[float], object]) -> Schedule:
    """Return the recorded schedule of a fresh ``optimizer``; ``knobs``: what sets each setting that is not its own."""
    further = {{"early_steps": {early_steps}, "ramp": {ramp}, "fixed": {fixed}, "balance": {balance}}}
    return Schedule(optimizer, model, first=FIRST, segments=SEGMENTS, back=BACK, knobs=knobs, **further)
'''


def export(history: Sequence[Entry], *, early_steps: int, ramp: int, fixed: Mapping[str, Any], balanced: bool) -> str:
    """Return the source of the schedule in ``history``; PilotError if no segment has ended yet."""
    ends = [entry for entry in history if entry.look == "segment"]
    if not ends:
        raise PilotError("export: expected a run with at least one segment that has ended, got none")
    before = [_settings(entry) for entry in history if entry.look == "before"]
    early = [_settings(entry) for entry in history if entry.look == "early"]
    back = {entry.segment: entry.best for entry in ends if entry.event in RETURNS}
    body = _code(_MODULES)
    further = {"early_steps": early_steps, "ramp": ramp, "fixed": dict(fixed), "balance": BALANCE if balanced else None}
    tail = _TAIL.format(first=before[-1:] + early, rates=[_settings(one) for one in ends], back=back, **further)
    return _HEAD.format(segments=len(ends)) + body + "\n" + tail


def _code(modules: Sequence[ModuleType]) -> str:
    """Return the source of ``modules`` one after the other, what they import once at the top, and nothing of trimtab."""
    plain: set[str] = set()
    named: dict[str, set[str]] = {}
    parts: list[str] = []
    for module in modules:
        text = inspect.getsource(module)
        for line in ast.parse(text).body:
            if isinstance(line, ast.Import):
                plain |= {name.name for name in line.names}
            elif isinstance(line, ast.ImportFrom) and line.module and not line.module.startswith(("trimtab", "__future__")):
                named.setdefault(line.module, set()).update(name.name for name in line.names)
        parts.append(_without_imports(text))
    lines = [f"import {name}" for name in sorted(plain)]
    lines += [f"from {name} import {', '.join(sorted(names))}" for name, names in sorted(named.items())]
    ours, theirs = (["\n".join(line for line in lines if ("torch" in line) is own)] for own in (False, True))
    top = "\n\n".join(["from __future__ import annotations", *ours, *theirs])
    return "\n\n\n".join([top, *parts])


def _without_imports(text: str) -> str:
    """Return the source ``text`` of a module from its first line of code after docstring and imports."""
    body = ast.parse(text).body
    first = next(line for line in body[1:] if not isinstance(line, ast.Import | ast.ImportFrom))
    return "\n".join(text.split("\n")[first.lineno - 1 :]).strip()


def _settings(entry: Entry) -> dict[str, float]:
    return {"lr": entry.rate, **entry.settings}
