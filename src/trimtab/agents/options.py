"""Everything that may be chosen about a DQN, and what is legal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from trimtab.agents import exploration as explorations
from trimtab.agents.checks import check_choice, check_count, check_number
from trimtab.agents.coordination import COORDINATIONS
from trimtab.agents.exploration import EpsilonGreedy, Exploration
from trimtab.errors import AgentError

_MOST = 1e30


@dataclass(frozen=True, slots=True, kw_only=True)
class DQNOptions:
    """Counts called *transitions* are of ``learn`` calls.

    Value: ``gamma`` γ (1: a finite horizon); ``double`` (van Hasselt 2016); ``dueling`` (Wang 2016); ``n_step`` returns;
    ``normalise_rewards``: "none", "scale" (divided by their deviation) or "shift-and-scale" (their mean taken off first, so
    that ``value`` is then that of the rewards above their mean).
    Network: ``hidden`` widths of the trunk; ``branch``: width of a hidden layer of each head's own (0: none; sequential
    coordination needs one and takes 32 for 0); ``prior``: first value of every move of each head; ``advised``: the last numbers
    of an observation, heads × moves of the largest head, are what somebody trusted says that the moves are worth: they are
    added to what is learned, so that an agent begins at the advice and learns where it is wrong.
    Ensemble: ``members`` learners, on a ``trunk`` that is "separate" or "shared"; each transition is given to a member with
    probability ``bootstrap``; a fixed random network times ``prior_scale`` is added to each (Osband 2018). All of it is
    without effect and without cost for one member. ``references``: a move of each head, always allowed, that the agent leaves
    only where every member values another one higher (None: it takes the highest mean). ``cautious``: the advised move of each
    head, that of the highest advice, is such a reference.
    Training: after ``learning_starts`` transitions, every ``train_every`` of them, ``gradient_steps`` (−1: as many as
    ``train_every``) on batches of ``batch_size`` from the last ``buffer`` transitions, by Adam with ``lr``, which falls
    linearly to ``lr_end`` over ``lr_steps`` transitions (0: constant); gradients are clipped at norm ``max_grad_norm``. Every
    ``target_every`` transitions the target network moves by ``tau`` towards the learner (1: becomes it).
    """

    gamma: float = 1.0
    double: bool = True
    dueling: bool = True
    n_step: int = 3
    normalise_rewards: str = "none"
    hidden: Sequence[int] = (256, 256)
    branch: int = 0
    prior: Any = None
    advised: bool = False
    cautious: bool = False
    members: int = 1
    trunk: str = "separate"
    bootstrap: float = 1.0
    prior_scale: float = 0.1
    references: Sequence[int] | None = None
    coordination: str = "value-decomposition"
    exploration: Any = field(default_factory=EpsilonGreedy)
    batch_size: int = 64
    buffer: int = 100_000
    learning_starts: int = 200
    train_every: int = 4
    gradient_steps: int = -1
    lr: float = 1e-3
    lr_end: float = 0.0
    lr_steps: int = 0
    max_grad_norm: float = 10.0
    target_every: int = 200
    tau: float = 1.0

    def __post_init__(self) -> None:
        self._check_counts()
        for name, low, high, open_low in _NUMBERS:
            object.__setattr__(self, name, check_number(name, getattr(self, name), low, high, open_low=open_low))
        check_choice("normalise_rewards", self.normalise_rewards, ("none", "scale", "shift-and-scale"))
        check_choice("trunk", self.trunk, ("separate", "shared"))
        check_choice("coordination", self.coordination, tuple(COORDINATIONS))
        if self.references is not None:
            references = tuple(check_count(f"references[{index}]", move, least=0) for index, move in enumerate(self.references))
            object.__setattr__(self, "references", references)
        for name in ("double", "dueling", "advised", "cautious"):
            if not isinstance(getattr(self, name), bool):
                raise AgentError(f"{name}: expected True or False, got {getattr(self, name)!r}")
        if self.cautious and not self.advised:
            raise AgentError("cautious: expected False where advised=False: there is no advice to keep to")
        if self.advised and self.normalise_rewards != "none":
            raise AgentError(f"normalise_rewards: expected 'none' where advised=True, got {self.normalise_rewards!r}")
        object.__setattr__(self, "exploration", explorations.exploration_from(self.exploration, members=self.members))
        if self.coordination == "sequential" and self.branch == 0:
            object.__setattr__(self, "branch", 32)

    def _check_counts(self) -> None:
        if isinstance(self.hidden, str) or not isinstance(self.hidden, Sequence) or not self.hidden:
            raise AgentError(f"hidden: expected the widths of at least one layer, such as (256, 256), got {self.hidden!r}")
        widths = tuple(check_count(f"hidden[{index}]", width) for index, width in enumerate(self.hidden))
        object.__setattr__(self, "hidden", widths)
        for name, least in _COUNTS:
            check_count(name, getattr(self, name), least=least)
        if self.gradient_steps != -1:
            check_count("gradient_steps (or -1)", self.gradient_steps)

    @property
    def block(self) -> int:
        """Gradient steps made each time."""
        return self.train_every if self.gradient_steps == -1 else self.gradient_steps

    def rate(self, steps: int) -> float:
        """Return the learning rate after ``steps`` transitions."""
        if not self.lr_steps:
            return self.lr
        return self.lr + (self.lr_end - self.lr) * min(steps / self.lr_steps, 1.0)

    def described(self) -> dict[str, Any]:
        """Return the options as JSON values that ``DQNOptions(**...)`` takes back."""
        plain = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "exploration"}
        exploration: Exploration = self.exploration
        prior = (
            self.prior
            if self.prior is None or isinstance(self.prior, float | int)
            else [list(map(float, row)) for row in self.prior]
        )
        return {**plain, "prior": prior, "exploration": explorations.described(exploration)}


_COUNTS = (
    ("n_step", 1), ("branch", 0), ("members", 1), ("batch_size", 1), ("buffer", 1), ("learning_starts", 0), ("train_every", 1),
    ("lr_steps", 0), ("target_every", 1),
)  # fmt: skip
_NUMBERS = (
    ("gamma", 0.0, 1.0, False), ("bootstrap", 0.0, 1.0, True), ("prior_scale", 0.0, _MOST, False), ("lr", 0.0, _MOST, True),
    ("lr_end", 0.0, _MOST, False), ("max_grad_norm", 0.0, _MOST, True), ("tau", 0.0, 1.0, True),
)  # fmt: skip
