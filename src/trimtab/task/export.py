"""A learned schedule as a program: plain PyTorch, without trimtab, that trains a path of segments again, bit for bit.

The program is put together from the very source of the functions that trained it, so that the two cannot drift apart.
"""

from __future__ import annotations

import inspect
import pprint
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trimtab import seeds
from trimtab.errors import TaskError
from trimtab.task import apply, arrays, batches, losses, nest, optimizers, randomness, reference, replay, switch
from trimtab.task.data import Form
from trimtab.task.protocol import Segment

_IMPORTS = (
    ("import itertools", "itertools"),
    ("import math", "math"),
    ("import random", "random"),
    ("import zlib", "zlib"),
    ("from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence", "Callable"),
    ("from dataclasses import dataclass", "dataclass"),
    ("from typing import Any", "Any"),
    ("", ""),
    ("import numpy as np", "np"),
    ("import torch", "torch"),
    ("from torch import Tensor, nn", "nn"),
    ("from torch.amp.grad_scaler import GradScaler", "GradScaler"),
    ("from torch.nn import functional", "functional"),
    ("from torch.nn.utils import clip_grad_norm_", "clip_grad_norm_"),
    ("from torch.optim import Optimizer", "Optimizer"),
    ("from torch.utils.data import DataLoader", "DataLoader"),
    ("from torch.utils.data import Subset, TensorDataset", "TensorDataset"),
    ("from torch.utils.data import default_collate", "default_collate"),
)
_ALIASES = (
    ("Batch", "Any"),
    ("Collate", "Callable[[list[Any]], Any]"),
    ("Range", "tuple[int, int, int]"),
    ("Setter", "Callable[[nn.Module, Any], object]"),
)
_DRAWS: Mapping[str, tuple[tuple[Callable[..., Any], ...], str]] = {
    "tensors": (
        (
            arrays.whole_tensors,
            arrays.as_tensor,
            batches.permutation,
            batches.batch_ranges,
            batches.draw_tensors,
            batches._gather,  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # a part of draw_tensors' source
        ),
        "draw_tensors([tensor.to(device) for tensor in whole_tensors(train_set)], span)",
    ),
    "items": (
        (batches.permutation, batches.batch_ranges, batches.draw_items),
        "draw_items(train_set, span, collate=collate, workers={workers}, pin_memory={pinned})",
    ),
    "stream": (
        (
            batches.draw_stream,
            batches._stream,  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # a part of draw_stream's source
        ),
        "draw_stream(train_set, span, collate=collate or default_collate)",
    ),
}


@dataclass(frozen=True, slots=True)
class Recipe:
    """What of a task an exported program needs. ``given``: the user's functions by the name of their option.

    ``amount``: examples or steps of a segment, the other None. ``loss``: a name, or None where the user gave a function.
    """

    build: Callable[..., Any]
    train: object
    form: Form
    loss: str | None
    reference: str
    segment: str
    amount: tuple[int | None, int | None]
    given: Mapping[str, object]
    micro_batch: int | None
    workers: int
    device: str
    amp: bool


def write_schedule(recipe: Recipe, run_seed: int, segments: Sequence[tuple[Segment, Mapping[str, Any]]]) -> str:
    """Return the source of the program. ``segments``: each with the settings that it ran at, defaults included."""
    if not segments:
        raise TaskError("export: expected at least one segment, got none")
    schedule: list[dict[str, Any]] = [
        {"seed": segment.seed, "progress": segment.progress, "settings": dict(settings)} for segment, settings in segments
    ]
    kinds = [str(entry["settings"]["optimizer"]) for entry in schedule]
    switches = len(set(kinds)) > 1
    functions = [inspect.getsource(function) for function in _functions(recipe, switches=switches)]
    body = "\n\n".join([_train(recipe, switches=switches), *functions])
    body = re.sub(r"  # (noqa|pyright): [^\n]*", "", body)
    constants = _constants(recipe, run_seed, segments[0][0].settings, schedule)
    table = optimizer_table(sorted(set(kinds)))
    return "\n".join([_header(recipe, body), constants, "", _types(body), table, "", "", body, "", "", _main(recipe)])


def optimizer_table(kinds: Sequence[str]) -> str:
    """Return the source of the table of optimizers, with ``kinds`` alone."""
    chosen = {name: optimizers.KINDS[name] for name in kinds}
    rows = [
        f"    {name!r}: Kind(torch.optim.{kind.factory.__name__}, {dict(kind.arguments)!r})," for name, kind in chosen.items()
    ]
    return "\n".join([inspect.getsource(optimizers.Kind), "", "KINDS = {", *rows, "}"])


def _functions(recipe: Recipe, *, switches: bool) -> list[Any]:
    switching = [switch.Moments, switch.change_optimizer, switch.switch_optimizer, switch.read_moments, switch.write_moments]
    return [
        *(replay.replay, replay.training_step, replay.preparation),
        reference.REFERENCES[recipe.reference],
        *([] if recipe.loss is None else [losses.LOSSES[recipe.loss].function]),
        *(batches.Span, batches.Draw, *_DRAWS[recipe.form][0]),
        *(apply.apply_to_model, apply.set_dropout, apply.dropout_modules),
        *(optimizers.make_optimizer, optimizers.configure, optimizers._keep_momentum, optimizers.set_rate),  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # a part of configure's source
        *([*switching, switch._mu_product] if switches else [optimizers.reconfigure]),  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # a part of write_moments' source
        *(nest.leaves, nest.map_leaves, nest.length, nest.parts_of, nest.to_device),
        *(randomness.seed_everything, seeds.derive),
    ]


def _header(recipe: Recipe, body: str) -> str:
    needs = "".join(f", {name}={name}" for name in recipe.given)
    text = f'''"""A schedule that trimtab learned, as plain PyTorch: the same data and the same build give the same weights.

    model = train(build, train_set{needs})

SCHEDULE has one entry for each segment of {recipe.segment}. The learning rate of a step is its segment's lr times the
{recipe.reference} schedule at the step's progress through the run.
"""

from __future__ import annotations

'''
    return text + "\n".join(line for line, name in _IMPORTS if not name or re.search(rf"\b{name}\b", body))


def _constants(recipe: Recipe, run_seed: int, start: Mapping[str, Any], schedule: list[dict[str, Any]]) -> str:
    rows = ",\n".join(f"    {entry!r}" for entry in schedule)
    return (
        f"\nRUN_SEED = {run_seed}\nSTART = {pprint.pformat(dict(start), width=120, sort_dicts=False)}\n"
        f"SCHEDULE = [\n{rows},\n]\nAMOUNT = {recipe.amount!r}  # examples, or steps, of a segment\n"
        + (f"BLOCK_BYTES = {batches.BLOCK_BYTES}\n" if recipe.form == "tensors" else "")
    )


def _types(body: str) -> str:
    return "\n".join(f"{name} = {meaning}" for name, meaning in _ALIASES if re.search(rf"\b{name}\b", body)) + "\n\n"


def _train(recipe: Recipe, *, switches: bool) -> str:
    passed = [name for name in recipe.given if name in ("augment", "setters", "param_groups", "pretrained")]
    options = "".join(f", {name}" for name in recipe.given)
    collate = "" if recipe.form == "tensors" or "collate" in recipe.given else "    collate = None\n"
    draw = _DRAWS[recipe.form][1].format(workers=recipe.workers, pinned=recipe.device == "cuda")
    arguments = "".join(f"        {name}={name},\n" for name in passed)
    return f'''def train(build, train_set{", *" if options else ""}{options}, device={recipe.device!r}):
    """Return the model that SCHEDULE trains, in evaluation mode."""
{collate}
    def draw(span):
        return {draw}

{_loss(recipe)}
    return replay(
        build,
        draw=draw,
        start=START,
        schedule=SCHEDULE,
        run_seed=RUN_SEED,
        amount=AMOUNT,
        reference={recipe.reference},
        loss=objective,
        change={"change_optimizer" if switches else "reconfigure"},
{arguments}        micro_batch={recipe.micro_batch},
        device=device,
        amp={recipe.amp},
    )
'''


def _loss(recipe: Recipe) -> str:
    if "step" in recipe.given:
        return "    def objective(model, batch, label_smoothing):\n        return step(model, batch)\n"
    call = "loss(model(*inputs), target)" if recipe.loss is None else f"{recipe.loss}(model(*inputs), target, label_smoothing)"
    return f"    def objective(model, batch, label_smoothing):\n        *inputs, target = batch\n        return {call}\n"


def _main(recipe: Recipe) -> str:
    namespace = _namespace(recipe.build)
    file = namespace.get("__file__")
    wanted = {"build": recipe.build, "train_set": recipe.train, **recipe.given}
    found = {option: _name_in(namespace, value) for option, value in wanted.items()}
    options = "".join(f", {option}={found[option] or option}" for option in recipe.given)
    if file is None or None in found.values():
        return f"# Call train(build, train_set{options}) with what the schedule was learned with.\n"
    path = Path(file).resolve()
    names = ", ".join(sorted({str(name) for name in found.values()}))
    return f"""if __name__ == "__main__":
    import sys

    sys.path.insert(0, {str(path.parent)!r})
    from {path.stem} import {names}

    model = train({found["build"]}, {found["train_set"]}{options})
    torch.save(model.state_dict(), "model.pt")
    print("trained; the weights are in model.pt")
"""


def _namespace(build: Callable[..., Any]) -> Mapping[str, Any]:
    """Return the global names around ``build``: those of the user's module or script."""
    module = sys.modules.get(getattr(build, "__module__", ""))
    return getattr(build, "__globals__", getattr(module, "__dict__", {}))


def _name_in(namespace: Mapping[str, Any], value: object) -> str | None:
    """Return the name that ``value`` itself has in ``namespace``; None if it has none."""
    return next((name for name, member in namespace.items() if member is value), None)
