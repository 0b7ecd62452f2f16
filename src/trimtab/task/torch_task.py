"""TorchTask: any PyTorch training as a task whose settings can change while it runs."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler

from trimtab.errors import CheckpointError, DataError
from trimtab.seeds import derive
from trimtab.space import Settings, Space, Value
from trimtab.task import apply
from trimtab.task import build as building
from trimtab.task.batches import Batch, Collate, Span
from trimtab.task.data import Loading, TensorData
from trimtab.task.evaluation import Examiner, pair, try_losses
from trimtab.task.export import Recipe, write_schedule
from trimtab.task.goals import resolve_goal, resolve_loss, resolve_metrics, resolve_scores
from trimtab.task.length import parse_length
from trimtab.task.losses import MetricFunction
from trimtab.task.nest import leaves, to_device
from trimtab.task.objective import Augment, Preparation, augmentation_generator, make_objective
from trimtab.task.optimizers import make_optimizer
from trimtab.task.options import (
    check_callables,
    check_counts,
    check_defaults,
    check_reference,
    check_setters,
    digest,
    name_of,
    resolve_device,
)
from trimtab.task.probe import coordinates, cosine_between, distance, weight_norm
from trimtab.task.protocol import Goal, Measurement, Progress, Segment, Split, Telemetry
from trimtab.task.randomness import seeded
from trimtab.task.reference import REFERENCES
from trimtab.task.requirements import check_space, warn_ignored
from trimtab.task.scores import ScoreFunction
from trimtab.task.splits import Splits
from trimtab.task.switch import change_optimizer
from trimtab.task.torch_state import TorchState, encode_state, load_optimizer, load_weights, read_state
from trimtab.task.training import Objective, Training, finite, loss_of

DEFAULTS: Mapping[str, Value] = {"lr": 1e-3, "batch_size": 64, "optimizer": "adam"}
"""What a training runs at where neither the settings nor the user's ``defaults`` say otherwise."""


class TorchTask:
    """A PyTorch training that can be stopped, copied and steered at the end of every segment.

    ``build(settings)`` returns the model. ``train``, ``validation``, ``test``: a tuple (inputs, targets) of tensors or
    arrays, a map-style or an iterable-style data set of (inputs, target); an iterable must yield the same examples each
    time it is iterated, for its place is found again by skipping. ``audit``: such data that no decision reads, by which
    ``Result.audit`` tells how far a study over-fitted ``validation``. ``loss``: a name in ``losses.LOSSES`` or a callable
    (output, target) that returns the mean over the batch; ``step(model, batch)`` replaces it for any other training.
    ``segment``: "1 epoch", "0.5 epochs", "200 steps", "5000 examples". ``goal``: a metric or a Goal.
    ``metrics``: functions (output, target), whose results are averaged over a split's examples; ``scores``: functions of all
    outputs and targets of a split at once (AUROC, macro F1).

    Settings that it applies by name while training: lr (× the ``reference`` schedule), weight_decay, momentum, nesterov,
    beta1, beta2, alpha, eps, optimizer, batch_size, dropout, label_smoothing, gradient_clip (largest norm, 0: none),
    augmentation (the strength given to ``augment(inputs, strength, generator)``), and those in ``setters``: functions
    (model, value), called at the start of every segment, whose effect depends on the value alone. ``defaults`` holds
    values for those that are no hyperparameters. ``param_groups(model)`` returns groups with ``params`` and, each
    optional, ``lr_multiplier`` and ``weight_decay_multiplier``.

    ``micro_batch``: the most examples put through the model at once, found by halving where memory is short.
    ``pretrained``: a state_dict, or a path to one or to a study's ``best.safetensors``, that every run starts from.
    """

    def __init__(
        self,
        *,
        build: building.Build,
        train: object,
        validation: object,
        test: object = None,
        audit: object = None,
        loss: str | Callable[..., Any] = "cross_entropy",
        segment: str = "1 epoch",
        goal: Goal | str = "loss",
        metrics: Mapping[str, MetricFunction] | None = None,
        scores: Mapping[str, ScoreFunction] | None = None,
        step: Callable[[nn.Module, Any], Any] | None = None,
        defaults: Mapping[str, Value] | None = None,
        setters: Mapping[str, apply.Setter] | None = None,
        param_groups: building.ParamGroups | None = None,
        augment: Augment | None = None,
        reference: str = "cosine",
        collate: Collate | None = None,
        workers: int = 0,
        micro_batch: int | None = None,
        evaluation_batch: int | None = None,
        device: str | torch.device | None = None,
        amp: bool = False,
        pretrained: Mapping[str, Tensor] | str | Path | None = None,
    ) -> None:
        self.build, self.step, self.param_groups, self.augment = build, step, param_groups, augment
        self.loss, self.reference, self.amp = loss, reference, amp
        self.micro_batch, self.evaluation_batch = micro_batch, evaluation_batch
        self.setters = {} if setters is None else setters
        self.defaults = {**DEFAULTS, **apply.canonical(defaults or {})}
        self.segment = parse_length(segment)
        self.device = resolve_device(device)
        self.pretrained = building.read_pretrained(pretrained)
        self.named_loss = resolve_loss(loss)
        self.metrics = resolve_metrics(metrics, self.named_loss.metrics if step is None else {})
        self.scores = resolve_scores(scores, self.metrics)
        self.goal = resolve_goal(goal, {**self.metrics, **self.scores})
        check_callables(build=build, step=step, param_groups=param_groups, augment=augment, collate=collate)
        check_counts(micro_batch=micro_batch, evaluation_batch=evaluation_batch)
        check_reference(reference)
        check_setters(self.setters)
        check_defaults(self.defaults, self.setters)
        self.train, self.loading = train, Loading(collate, workers, pin_memory=self.device.type == "cuda")
        held_out = {name: data for name, data in (("audit", audit), ("test", test)) if data is not None}
        given = {"train": train, "validation": validation, **held_out}
        self.splits = Splits(given, self.loading, self.device)
        self.segment.count(self.splits["train"].size)
        self._space: Space | None = None
        self._outputs: int | None = None
        self._tried, self._fingerprint = False, ""

    def __getstate__(self) -> dict[str, Any]:
        # the data goes once, in ``splits``
        return {**self.__dict__, "train": None}

    def check(self, space: Space) -> None:
        """Raise TaskError if a hyperparameter of ``space`` cannot be applied, or the model cannot take the data.

        From then on the task knows which settings have an effect under which; one without effect keeps its default.
        """
        if self._space == space:
            return
        check_space(
            space,
            setters=self.setters,
            default_kind=str(self.defaults["optimizer"]),
            smooths=self.step is None and self.named_loss.smooths,
            augments=self.augment is not None,
        )
        warn_ignored(space, setters=self.setters, trial=self._trial)
        self._space = space

    def start(self, settings: Settings, *, seed: int) -> TorchState:
        """Return a training before its first step; ``seed`` fixes its initial weights and the order of its data."""
        if not self._tried:
            self._trial(settings)
        applied = self.effective(settings)
        with seeded(derive(seed, "start"), self.device):
            model = self._model(settings)
            if self.pretrained is not None:
                building.load_pretrained(model, self.pretrained)
        return self._state(model, run_seed=seed, start=settings, applied=applied)

    def measure(self, state: TorchState) -> Measurement:
        """Return the measurement of a training as it stands; no step is made, so that there is no train loss."""
        began = time.perf_counter()
        metrics = self.evaluate(state, "validation")
        status = "finished" if finite(metrics["loss"], metrics[self.goal.metric]) else "diverged"
        telemetry = Telemetry(weight_norm=weight_norm([*state.model.parameters()]))
        return Measurement(metrics, math.nan, seconds=time.perf_counter() - began, telemetry=telemetry, status=status)

    def advance(self, state: TorchState, segment: Segment, *, progress: Progress = lambda: None) -> Measurement:
        """Train one segment in place and measure it on validation data.

        A loss or weight that is not finite ends the segment early, as "diverged"; its metrics are then NaN.
        """
        began = time.perf_counter()
        with seeded(segment.seed, self.device):
            self._apply(state, self.effective(segment.settings))
            training, span = self._training(state, segment), self._span(state)
            parameters = [*state.model.parameters()]
            before, corner = [parameter.detach().clone() for parameter in parameters], coordinates(parameters)
            fine = self._train(training, span, progress)
        state.epoch, state.offset = training.epoch, training.offset
        recorder = training.recorder
        telemetry = self._telemetry(state, training, before=before, corner=corner)
        fine = fine and finite(telemetry.weight_norm)
        examined = time.perf_counter()
        metrics = self.evaluate(state, "validation") if fine else self._examiner.nothing()
        ended = time.perf_counter()
        fine = fine and finite(metrics["loss"], metrics[self.goal.metric])
        if not fine:
            self.splits.scan(span)
        size, examples = self.splits["train"].size, self.splits["validation"].size
        return Measurement(
            metrics=metrics,
            train_loss=recorder.mean,
            steps=recorder.steps,
            examples=recorder.examples,
            epochs=recorder.examples / size if size else 0.0,
            seconds=ended - began,
            telemetry=telemetry,
            status="finished" if fine else "diverged",
            parameters=sum(parameter.numel() for parameter in parameters),
            latency=(ended - examined) / examples if examples else 0.0,
        )

    def evaluate(self, state: TorchState, split: Split) -> Mapping[str, float]:
        """Return the metrics of a training on ``split``; labels are not smoothed and inputs not augmented."""
        data = self.splits[split]
        with seeded(derive(state.run_seed, "evaluate"), self.device):
            return self._examiner.measure(state.model, data, split)

    def encode(self, state: TorchState) -> bytes:
        """Return everything that ``state`` needs to go on, as safetensors bytes; equal states give equal bytes."""
        return encode_state(state, self.fingerprint())

    def decode(self, checkpoint: bytes) -> TorchState:
        """Return the training in ``checkpoint``; raise CheckpointError if the bytes are not one of this task's."""
        saved = read_state(checkpoint)
        record = saved.record
        if record["task"] != self.fingerprint():
            raise CheckpointError(f"checkpoint: of the task {record['task']}; expected one of this task, {self.fingerprint()}")
        start = Settings(record["start"])
        with seeded(derive(record["run_seed"], "start"), self.device):
            model = self._model(start)
        load_weights(model, saved.model)
        state = self._state(model, run_seed=record["run_seed"], start=start, applied=record["applied"])
        load_optimizer(state.optimizer, saved)
        state.scaler.load_state_dict(record["scaler"])
        state.epoch, state.offset, state.displacement = record["epoch"], record["offset"], saved.displacement
        return state

    def load_model(self, checkpoint: bytes) -> nn.Module:
        """Return the model in ``checkpoint``, in evaluation mode."""
        return self.decode(checkpoint).model.eval()

    def export(self, run_seed: int, segments: Sequence[Segment]) -> str:
        """Return a plain PyTorch program, without trimtab, that trains the path of ``segments`` from its root again."""
        named = {"loss": self.loss if self.step is None and callable(self.loss) else None, "step": self.step}
        optional = {"augment": self.augment, "setters": self.setters or None, "param_groups": self.param_groups}
        given = {**named, **optional, "pretrained": self.pretrained, "collate": self.loading.collate}
        recipe = Recipe(
            build=self.build,
            train=self.train,
            form=self.splits["train"].form,
            loss=self.loss if isinstance(self.loss, str) and self.step is None else None,
            reference=self.reference,
            segment=str(self.segment),
            amount=self.segment.count(self.splits["train"].size),
            given={name: value for name, value in given.items() if value is not None},
            micro_batch=self.micro_batch,
            workers=self.loading.workers,
            device=self.device.type,
            amp=self.amp,
        )
        return write_schedule(recipe, run_seed, [(segment, self.effective(segment.settings)) for segment in segments])

    def fingerprint(self) -> str:
        """Return a short text that differs between tasks whose results cannot be compared."""
        if not self._fingerprint:
            described = {
                # an audit split changes no result, so that one may be given once a study is over
                "sizes": {name: size for name, size in self.splits.sizes.items() if name != "audit"},
                "example": [f"{tuple(tensor.shape)} {tensor.dtype}" for tensor in leaves(self.splits.head("train", 1))],
                "loss": self.loss if isinstance(self.loss, str) else name_of(self.loss),
                "step": name_of(self.step),
                "segment": str(self.segment),
                "goal": [self.goal.metric, self.goal.minimise],
                "reference": self.reference,
                "amp": self.amp,
                **({} if self.pretrained is None else {"pretrained": building.digest_of(self.pretrained)}),
            }
            self._fingerprint = digest(described)
        return self._fingerprint

    def effective(self, settings: Mapping[str, Value]) -> dict[str, Any]:
        """Return what a training under ``settings`` runs at: those that have an effect, over the task's defaults."""
        names = frozenset(settings)
        if self._space is not None and names == frozenset(self._space):
            names = self._space.active(settings)
        values = {**self.defaults, **apply.canonical({name: settings[name] for name in settings if name in names})}
        apply.check_values("settings", values)
        return values

    def _trial(self, settings: Settings) -> tuple[nn.Module, set[str]]:
        """Build a model from ``settings``, put the first examples through it, and check the labels against its outputs."""
        with seeded(0, self.device):
            model, read = building.build_model(self.build, settings)
            if self.pretrained is not None and not self._tried:
                building.load_pretrained(model, self.pretrained)
            first = self.splits.head("train", 2)
            if first is None:
                raise DataError("train: expected at least one example, got an empty stream")
            if self.step is None and not self._tried:
                self._try_data(model.to(self.device), first)
            building.param_groups_of(model, self.param_groups)
        self._tried = True
        return model, read

    def _try_data(self, model: nn.Module, first: Batch) -> None:
        inputs, target = pair(to_device(first, self.device))
        output = building.outputs_of(model, inputs)
        if self.named_loss.indices and isinstance(output, Tensor) and output.ndim >= 2:
            self._outputs = output.shape[1]
            self.splits.check_labels(self._outputs)
        try_losses(self.named_loss.function, self.metrics, output, target)

    def _model(self, settings: Settings) -> nn.Module:
        model = building.build_model(self.build, settings)[0].to(self.device)
        if any(building.is_lazy(parameter) for parameter in model.parameters()):
            # lazy modules take their shapes from the first batch, and the optimizer needs them before
            building.outputs_of(model, pair(to_device(self.splits.head("train", 2), self.device))[0])
        return model

    def _state(self, model: nn.Module, *, run_seed: int, start: Settings, applied: dict[str, Any]) -> TorchState:
        groups = building.param_groups_of(model, self.param_groups)
        optimizer = make_optimizer(applied["optimizer"], groups, applied)
        scaler = GradScaler(self.device.type, enabled=self.amp and self.device.type == "cuda")
        state = TorchState(model, optimizer, scaler, run_seed, Settings(start), applied)
        self._apply(state, applied)
        return state

    def _apply(self, state: TorchState, settings: dict[str, Any]) -> None:
        before, after = state.applied["optimizer"], settings["optimizer"]
        state.optimizer = change_optimizer(state.optimizer, before=before, after=after, settings=settings)
        apply.apply_to_model(state.model, settings, self.setters)
        state.applied = settings

    def _training(self, state: TorchState, segment: Segment) -> Training:
        return Training(
            model=state.model,
            optimizer=state.optimizer,
            objective=self._objective(state.applied.get("label_smoothing", 0.0)),
            prepare=self._preparation(segment.seed, state.applied.get("augmentation", 1.0)),
            scaler=state.scaler,
            rate=state.applied["lr"],
            reference=REFERENCES[self.reference],
            progress=segment.progress,
            clip=state.applied.get("gradient_clip", 0.0),
            micro_batch=self.micro_batch,
            parameters=[*state.model.parameters()],
            epoch=state.epoch,
            offset=state.offset,
        )

    def _objective(self, label_smoothing: float) -> Objective:
        autocast = self._autocast if self.amp else None
        return make_objective(self.step, self.named_loss.function, label_smoothing=label_smoothing, autocast=autocast)

    def _preparation(self, seed: int, strength: float) -> Preparation:
        outputs = None if isinstance(self.splits["train"], TensorData) else self._outputs
        return Preparation(self.device, self.augment, strength, outputs, augmentation_generator(self.device, seed))

    def _span(self, state: TorchState) -> Span:
        examples, steps = self.segment.count(self.splits["train"].size)
        return Span(state.run_seed, state.epoch, state.offset, int(state.applied["batch_size"]), examples, steps)

    def _train(self, training: Training, span: Span, progress: Progress) -> bool:
        fine = training.run(self.splits["train"].draw(span), progress)
        if not training.recorder.steps:
            raise DataError("train: expected at least one example, got an empty stream")
        return fine

    def _telemetry(self, state: TorchState, training: Training, *, before: list[Tensor], corner: Tensor) -> Telemetry:
        parameters = [*state.model.parameters()]
        displacement, previous = coordinates(parameters) - corner, state.displacement
        state.displacement = displacement
        return Telemetry(
            losses=tuple(training.recorder.losses),
            gradient_norms=training.recorder.gradient_norms,
            weight_norm=weight_norm(parameters),
            update_norm=distance(parameters, before),
            cosine=cosine_between(displacement, previous),
            **training.probe.figures(),
        )

    @property
    def _examiner(self) -> Examiner:
        loss = self.named_loss.function
        return Examiner(
            device=self.device,
            autocast=self._autocast,
            loss=None if self.step is not None else lambda output, target: loss_of(loss(output, target, 0.0)),
            step=None if self.step is None else self._objective(0.0),
            metrics=self.metrics,
            scores=self.scores,
            batch_size=self.evaluation_batch or self.splits.evaluation_batch(),
        )

    def _autocast(self) -> AbstractContextManager[Any]:
        if not self.amp:
            return nullcontext()
        return torch.autocast(self.device.type, torch.float16 if self.device.type == "cuda" else torch.bfloat16)
