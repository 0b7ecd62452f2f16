"""N trainings of one shape that go on together, each with its own data order, optimizer, settings and best weights so far."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from trimtab.metatraining.balances import Balances
from trimtab.metatraining.nets import QUIET, Nets, Noise
from trimtab.metatraining.problems import LOSSES, Problem, tensors
from trimtab.metatraining.update import Moments, Update
from trimtab.policy.levers import USUAL_FAN
from trimtab.policy.rules import ramp
from trimtab.policy.signals import Look, Signals

PAIRS = 4
"""In a segment the gradients of this many pairs of successive steps are compared."""


@dataclass(frozen=True, slots=True)
class Draws:
    """What differs from training to training: arrays of N numbers.

    ``sets``: which data set of the problem. ``kinds``: which optimizer (numbers in ``update.KINDS``). ``batch``: batch size.
    ``beta2``: β₂ of those that have one. ``nesterov``: bool, for SGD. ``balanced``: bool, whether gradients are balanced.
    ``seeds``: of initial weights; trainings with the same seed and batch size see their data in the same order.
    """

    sets: np.ndarray
    kinds: np.ndarray
    batch: np.ndarray
    beta2: np.ndarray
    nesterov: np.ndarray
    balanced: np.ndarray
    seeds: np.ndarray


class Trainings:
    """N trainings of models from ``build`` on the data sets of ``problem``, advanced together, some steps at a time."""

    def __init__(
        self, build: Callable[[], nn.Module], problem: Problem, draws: Draws, *, seed: int, device: str | torch.device = "cpu"
    ) -> None:
        self.device = torch.device(device)
        self.problem, self.draws = problem, draws
        self.count = len(draws.sets)
        self.nets = Nets(build, seeds=draws.seeds.tolist(), device=self.device)
        kinds, beta2 = self._tensor(draws.kinds, torch.int64), self._tensor(draws.beta2)
        self.update = Update(kinds, torch.zeros_like(beta2), beta2, self._tensor(draws.nesterov, torch.bool))
        self.moments = Moments.zeros(self.nets.weights)
        self.balances = Balances(self.nets, self._tensor(draws.balanced, torch.bool))
        self._random = torch.Generator(self.device).manual_seed(seed)
        self._inputs, self._targets = tensors(problem, self.device)
        self._sets = self._tensor(draws.sets, torch.int64)
        self._loss_of = LOSSES[problem.loss]
        self._rows = torch.arange(self.count, device=self.device)[:, None]
        batch = np.minimum(draws.batch, problem.examples)
        self._size = int(batch.max())
        column = torch.arange(self._size, device=self.device)
        self._share = (column < self._tensor(batch)[:, None]) / self._tensor(batch)[:, None]
        self._batch = self._tensor(batch, torch.int64)
        self._column = column
        _, twin = np.unique(np.stack([draws.seeds, batch]), axis=1, return_inverse=True)
        self._twin = self._tensor(twin.reshape(-1), torch.int64)
        self._orders = int(twin.max()) + 1
        self._order = self._shuffled()
        self._place = torch.zeros(self.count, dtype=torch.int64, device=self.device)
        self._noise = QUIET
        self._decay = torch.zeros(self.count, device=self.device)
        self._begun: _Begun | None = None
        self._made = 0
        self._last_displacement: Tensor | None = None
        self._kept = tuple(part.clone() for part in self._state())

    def take(self, rows: np.ndarray) -> Trainings:
        """Return the trainings ``rows``, (n,), each as often as it is named there: clones go on alike if steered alike."""
        taken, index = copy.copy(self), self._tensor(rows, torch.int64)
        taken.count = len(rows)
        taken.nets, taken.update, taken.moments = self.nets.take(index), self.update.take(index), self.moments.take(index)
        taken.balances = self.balances.take(index)
        of_each = ("_sets", "_share", "_batch", "_twin", "_order", "_place", "_decay", "_last_displacement")
        begun = self._begun
        vars(taken).update({name: None if getattr(self, name) is None else getattr(self, name)[index] for name in of_each})
        vars(taken).update(
            _random=torch.Generator(self.device).set_state(self._random.get_state()),
            _rows=torch.arange(len(rows), device=self.device)[:, None],
            _noise=Noise(*(None if part is None else part[index] for part in (self._noise.dropout, self._noise.smoothing))),
            _begun=None if begun is None else _Begun(begun.weights[index], begun.losses[index], begun.steps),
            _kept=tuple(part[index] for part in self._kept),
        )
        return taken

    def set(self, values: np.ndarray) -> None:
        """Set the levers, (N, levers), for the steps to come; the first, the rate, is told to each advance."""
        _, decay, momentum, dropout, smoothing, _ = values.T
        self._decay = self._tensor(decay)
        self.update.set(self._tensor(momentum))
        self._noise = Noise(*(self._tensor(each) if each.any() else None for each in (dropout, smoothing)))

    def before(self, rate: np.ndarray) -> Signals:
        """Return the signals before the first step: what it is going to be at ``rate``, (N,). Nothing is changed."""
        place, order, random = self._place.clone(), self._order.clone(), self._random.get_state()
        with torch.random.fork_rng(devices=()):
            self._losses_of(self._next())
        self._place, self._order = place, order
        self._random.set_state(random)
        gradient = self.nets.gradient
        self.balances.first(self.nets)
        return self._signals(
            "before", step=self.update.first_step(gradient, self._tensor(rate)), gradient=gradient.norm(dim=1), steps=0
        )

    def first_share(self, rate: np.ndarray) -> np.ndarray:
        """Return by what share of its norm a first step at ``rate``, (N,), moves a weight matrix; the geometric mean over them.

        Of the gradient that ``before`` has left; NaN where no weight matrix would move.
        """
        gradients, weights = self.nets.views(self.nets.gradient), self.nets.views(self.nets.weights)
        rates = self._tensor(rate)
        shares = [
            self.update.first_step(gradients[name].flatten(1), rates) / weights[name].flatten(1).norm(dim=1)
            for name, shape in self.nets.shapes.items()
            if len(shape) > 1
        ]
        found = torch.stack(shares, 1).double()
        found = torch.where(torch.isfinite(found) & (found > 0), found, torch.nan)
        return found.log().nanmean(1).exp().cpu().numpy()

    @property
    def fan(self) -> float:
        """Inputs to an output, the geometric mean over the weight matrices; USUAL_FAN where there are none."""
        fans = [torch.Size(shape).numel() / shape[0] for shape in self.nets.shapes.values() if len(shape) > 1]
        return math.exp(sum(map(math.log, fans)) / len(fans)) if fans else USUAL_FAN

    def advance(self, steps: int, rate: np.ndarray, *, look: Look) -> Signals:
        """Make ``steps`` steps with learning rates (N,), and measure; validation only at a segment's end."""
        rates, decays = self._tensor(rate), self._decay
        begun = self._begun or _Begun(self.nets.weights.clone(), torch.zeros(self.count, device=self.device), 0)
        samples = _Samples(steps)
        total = begun.losses
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(int(torch.randint(2**31, (), generator=self._random, device=self.device)))  # for dropout
            for step in range(steps):
                total = total + self._losses_of(self._next())
                self.balances(self.nets)
                samples.before(step, self.nets)
                self.update(self.nets.weights, self.nets.gradient, self.moments, rates * ramp(self._made), decays)
                self._made += 1
                samples.after(self.nets)
        done = begun.steps + steps
        displacement = self.nets.weights - begun.weights
        cosine = None if self._last_displacement is None else _cosine(displacement, self._last_displacement)
        ends = look == "segment"
        self._begun = None if ends else _Begun(begun.weights, total, done)
        if ends:
            self._last_displacement = displacement
        return self._signals(
            look,
            # whoever steers a loop from outside is told its losses at the ends of segments only
            train=total / done if ends else None,
            validation=self.validation() if ends else None,
            steps=done,
            step=samples.step_norm,
            displacement=displacement.norm(dim=1),
            cosine=cosine,
            gradient=samples.gradient_norm,
            cosines=samples.cosines,
        )

    def validation(self) -> Tensor:
        """Return the validation loss of each training, (N,)."""
        return self._mean_loss(self.problem.validation)

    def test(self) -> Tensor:
        """Return the loss of each training, (N,), on examples that nobody who steers it is told of."""
        return self._mean_loss(self.problem.test)

    def _mean_loss(self, rows: slice) -> Tensor:
        return self.nets.losses(self._loss_of, self._inputs[self._sets, rows], self._targets[self._sets, rows])

    def keep(self, who: np.ndarray) -> None:
        """Remember the weights and the optimizers of the trainings ``who``, (N,) bool, as the best so far."""
        rows = self._tensor(who.nonzero()[0], torch.int64)
        for kept, now in zip(self._kept, self._state(), strict=True):
            kept[rows] = now[rows]

    def go_back(self, who: np.ndarray) -> None:
        """Put the trainings ``who``, (N,) bool, back to the best that was remembered."""
        rows = self._tensor(who.nonzero()[0], torch.int64)
        for kept, now in zip(self._kept, self._state(), strict=True):
            now[rows] = kept[rows]
        if self._last_displacement is not None:
            self._last_displacement[rows] = 0.0

    def _state(self) -> tuple[Tensor, ...]:
        return self.nets.weights, self.moments.mean, self.moments.square, self.moments.steps, self.balances.state

    def _losses_of(self, index: Tensor) -> Tensor:
        inputs, targets = self._inputs[self._sets[:, None], index], self._targets[self._sets[:, None], index]
        return self.nets.backward(self._loss_of, inputs, targets, self._share, self._noise)

    def _next(self) -> Tensor:
        """Return the rows of the next batch of each training, (N, B); a batch that would not fill begins a new epoch."""
        over = self._place + self._batch > self.problem.examples
        if bool(over.any()):
            self._order[over] = self._shuffled()[over]
            self._place = torch.where(over, 0, self._place)
        column = (self._place[:, None] + self._column).clamp_(max=self.problem.examples - 1)
        self._place = self._place + self._batch
        return self._order[self._rows, column]

    def _shuffled(self) -> Tensor:
        """Return a new order of the examples for each training, (N, n)."""
        drawn = torch.rand(self._orders, self.problem.examples, generator=self._random, device=self.device)
        return drawn.argsort(1)[self._twin]

    def _tensor(self, values: np.ndarray, dtype: torch.dtype = torch.float32) -> Tensor:
        return torch.as_tensor(values, dtype=dtype, device=self.device)

    def _signals(
        self,
        look: Look,
        *,
        step: Tensor,
        gradient: Tensor,
        steps: int,
        train: Tensor | None = None,
        validation: Tensor | None = None,
        displacement: Tensor | None = None,
        cosine: Tensor | None = None,
        cosines: tuple[Tensor | None, Tensor | None, Tensor | None] = (None, None, None),
    ) -> Signals:
        def array(value: Tensor | None) -> np.ndarray:
            return np.full(self.count, np.nan) if value is None else value.detach().to("cpu", torch.float64).numpy()

        return Signals(
            look=look,
            train_loss=array(train),
            validation_loss=array(validation),
            steps=np.full(self.count, float(steps)),
            weight_norm=array(self.nets.weights.norm(dim=1)),
            step_norm=array(step),
            displacement=array(displacement),
            cosine=array(cosine),
            gradient_norm=array(gradient),
            gradient_cosine=array(cosines[0]),
            step_cosine=array(cosines[1]),
            after_cosine=array(cosines[2]),
        )


@dataclass(frozen=True, slots=True)
class _Begun:
    """A segment of which some steps are made: the weights at its start, the sum of the losses, (N,), and the steps."""

    weights: Tensor
    losses: Tensor
    steps: int


class _Samples:
    """Compares the gradients of some pairs of successive steps, and measures the first step of each."""

    def __init__(self, steps: int) -> None:
        last = max(0, steps - 2)
        self._first = {round(pair * last / max(1, min(PAIRS, last + 1) - 1)) for pair in range(min(PAIRS, last + 1))}
        self._open: tuple[Tensor, Tensor] | None = None
        self._closed: tuple[Tensor, Tensor] | None = None
        self._norms: list[Tensor] = []
        self._steps: list[Tensor] = []
        self._cosines: tuple[list[Tensor], ...] = ([], [], [])

    def before(self, step: int, nets: Nets) -> None:
        """Take in the gradients of the nets; their weights are those before the step."""
        gradients, _, after = self._cosines
        if self._closed is not None:
            gradient, move = self._closed
            gradients.append(_cosine(nets.gradient, gradient))
            after.append(-_cosine(nets.gradient, move))
            self._closed = None
        if step in self._first:
            self._open = nets.gradient.clone(), nets.weights.clone()
            self._norms.append(nets.gradient.norm(dim=1))

    def after(self, nets: Nets) -> None:
        """Take in the weights after the step."""
        if self._open is None:
            return
        gradient, weights = self._open
        move = nets.weights - weights
        self._steps.append(move.norm(dim=1))
        self._cosines[1].append(-_cosine(gradient, move))
        self._open, self._closed = None, (gradient, move)

    @property
    def gradient_norm(self) -> Tensor:
        return torch.stack(self._norms).mean(0)

    @property
    def step_norm(self) -> Tensor:
        return torch.stack(self._steps).mean(0)

    @property
    def cosines(self) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        """Of successive gradients, of steps with the descent before them, and after them."""
        one, two, three = (torch.stack(found).mean(0) if found else None for found in self._cosines)
        return one, two, three


def _cosine(one: Tensor, other: Tensor) -> Tensor:
    """Return the cosine of the rows of two arrays (N, P); NaN where one of them is zero or not finite."""
    return (one * other).sum(1) / (one.norm(dim=1) * other.norm(dim=1))
