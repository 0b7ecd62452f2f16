"""Whether a study is ready to run: its model is built, measured and stored once; nothing is trained."""

from __future__ import annotations

import math
import time
import warnings
from dataclasses import dataclass
from typing import Any, Literal

from trimtab.space import Settings
from trimtab.study.study import Study
from trimtab.task import Measurement, Task
from trimtab.task.audit import Concern, audit
from trimtab.task.data import TensorData
from trimtab.task.torch_task import TorchTask


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``advice``: what to do about it, empty where nothing is to be done."""

    name: str
    state: Literal["good", "note", "bad"]
    text: str
    advice: str = ""


def check_up(study: Study) -> list[Finding]:
    """Return what there is to find at ``study`` before any training; what its own code raises gets out."""
    task: Task[Any] = study.task
    settings = study.start[0] if study.start else study.space.default()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        task.check(study.space)
        began = time.perf_counter()
        state: Any = task.start(settings, seed=study.seed)
        built = time.perf_counter() - began
        measured = task.measure(state)
        found = [*_data(task), *_measurement(study, measured, built), *_checkpoint(study, state, settings, measured)]
    return [*found, *(Finding("warning", "note", str(warning.message)) for warning in caught)]


def _data(task: Task[Any]) -> list[Finding]:
    if not isinstance(task, TorchTask):
        return []
    sizes = task.splits.sizes
    text = ", ".join(f"{name} {'of unknown length' if size is None else size}" for name, size in sizes.items())
    found = [Finding("data", "good", text)]
    if "test" not in sizes:
        advice = "validation picks the best of many segments and flatters it: give TorchTask a test split for an honest figure"
        found.append(Finding("test split", "note", "there is none", advice))
    found += [Finding(concern.about, "note", concern.text, concern.advice) for concern in _concerns(task)]
    small = sizes.get("validation")
    if small is not None and small < 200:
        told = "" if "audit" in sizes else "; TorchTask(audit=...) with others tells how far"
        found.append(
            Finding("validation split", "note", f"{small} examples", f"decisions on so few examples follow their noise{told}")
        )
    return found


def _concerns(task: Any) -> list[Concern]:
    """Return what is poor about data that are whole tensors of one input and one target; of others nothing is known."""
    held = {name: task.splits[name] for name in task.splits.sizes}
    tensors = {name: data.tensors for name, data in held.items() if isinstance(data, TensorData)}
    if len(tensors) < len(held) or any(len(columns) != 2 for columns in tensors.values()):
        return []
    return audit({name: (columns[0], columns[1]) for name, columns in tensors.items()})


def _measurement(study: Study, measured: Measurement, built: float) -> list[Finding]:
    name = study.task.goal.metric
    value = measured.metrics.get(name, math.nan)
    model = Finding("model", "good", f"built in {built:.2f} s on the settings of the first run")
    if not math.isfinite(value):
        advice = "look at the initial weights, at the scale of the inputs and at the loss"
        return [model, Finding("before training", "bad", f"validation {name} is {value}", advice)]
    text = f"validation {name} {value:.4g}, measured in {measured.seconds:.2f} s after every segment"
    return [model, Finding("before training", "good", text)]


def _checkpoint(study: Study, state: Any, settings: Settings, measured: Measurement) -> list[Finding]:
    task: Task[Any] = study.task
    data = task.encode(state)
    again = task.measure(task.decode(data))
    size = f"{len(data) / 1e3:,.0f} kB"
    if dict(again.metrics) != dict(measured.metrics) and all(map(math.isfinite, measured.metrics.values())):
        advice = "evaluation must not be random: is there dropout outside of nn.Dropout, or a generator without a seed?"
        return [Finding("checkpoint", "bad", f"{size}, but measuring it again gives other metrics", advice)]
    live = sum(name in settings for name in study.space.live)
    agents = Finding("agents", "good", f"{live} live hyperparameters, one agent for each: {', '.join(study.space.live)}")
    return [Finding("checkpoint", "good", f"{size}, and measuring it again gives the same metrics"), agents]
