"""The peers of the study suite, on a problem that costs nothing and whose best loss is 0."""

import json
from collections import defaultdict
from contextlib import suppress
from functools import cache

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks.pilot_suite.losses import Loss
from benchmarks.pilot_suite.sources import MissingDataError
from benchmarks.pilot_suite.task import Data, Split
from benchmarks.study_suite.meter import BudgetUsedError, Meter
from benchmarks.study_suite.peers import PEERS, asha, one_segment, portfolio
from benchmarks.study_suite.peers.trials import Trials, cleaned
from benchmarks.study_suite.problems import HORIZON, Problem
from benchmarks.study_suite.space import DEFAULT, LIVE, NUMBERS, drawn

BUDGET = 30
RAY = ("pbt", "pb2")
SLOW = (*RAY, "smac", "gp", "cqr")
QUICK = tuple(name for name in PEERS if name not in (*SLOW, "ifbo", "warm-tpe"))
MULTI_FIDELITY = ("top-1", "top-3", "top-5", "tpe-hyperband", "asha", "asha-stopping", "cqr", "smac", "dehb")

EXAMPLES = Split(torch.zeros(16, 1), torch.zeros(16))


class Slope(nn.Module):
    """Weights that an optimizer takes to 0, on a ground that the net's shape and its dropout raise."""

    def __init__(self, ground: float, dropout: float) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.ones(4))
        self.drop = nn.Dropout(dropout)
        self.ground = ground

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (self.weights.square().mean() + self.ground + self.drop.p).expand(len(x))


class Valley(Problem):
    """One optimizer step a segment. The loss is 1 and more at first, and 0 at best."""

    def data(self) -> Data:
        return Data(EXAMPLES, EXAMPLES, EXAMPLES)

    def build(self, settings):
        ground = abs(NUMBERS["width"].position(settings["width"]) - 0.5) + 0.1 * abs(settings["depth"] - 2)
        return Slope(0.5 * ground + 0.1 * (settings["activation"] != "silu"), settings["dropout"])


VALLEY = Valley("valley", "test", None, None, Loss(lambda out, _: out.mean(), lambda *_: 1.0), segment=16)


class Watch(Meter):
    """A meter that remembers under which settings each training did each of its segments."""

    def __init__(self, budget: float) -> None:
        super().__init__(VALLEY, budget)
        self.seen = defaultdict(list)

    def advance(self, training):
        loss = super().advance(training)
        self.seen[training.seed].append((training.done, dict(training.settings)))
        return loss

    @property
    def best(self) -> float:
        return self.outcome.trace[-1][1]

    @property
    def lengths(self) -> list[int]:
        return [max(done for done, _ in segments) for segments in self.seen.values()]


def study(name: str, *, budget: float = BUDGET, seed: int = 1) -> Watch:
    pytest.importorskip(PEERS[name].needs)
    meter = Watch(budget)
    with suppress(BudgetUsedError):
        PEERS[name].tune(VALLEY, meter, seed)
    return meter


@cache
def losses_of_random_settings() -> np.ndarray:
    rng, meter = np.random.default_rng(0), Watch(60)
    trials = Trials(VALLEY, meter, 0)
    return np.array([trials.loss(trials.begin(drawn(rng)), HORIZON) for _ in range(60)])


def named(names, *, slow=SLOW):
    return [pytest.param(name, marks=[pytest.mark.slow] if name in slow else []) for name in names]


@pytest.mark.timeout(1800)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", named([name for name in PEERS if name not in ("ifbo", "warm-tpe")]))
def test_a_peer_comes_within_a_half_of_the_best_loss_and_uses_its_budget(name):
    meter = study(name)
    assert meter.best < 0.5
    assert meter.best < 0.5 * np.median(losses_of_random_settings())
    assert 0.9 * BUDGET < meter.spent < BUDGET + 1e-6
    segments = sum(len(segments) for segments in meter.seen.values())
    assert segments == round(meter.spent * HORIZON)
    assert all(number // 1000 == 1 for number in meter.seen)
    assert sorted(number % 1000 for number in meter.seen) == list(range(len(meter.seen)))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", named(MULTI_FIDELITY))
def test_a_multi_fidelity_peer_trains_many_for_short_and_few_for_long(name):
    meter = study(name)
    assert len(meter.lengths) > 1.5 * BUDGET
    assert sum(length <= 3 for length in meter.lengths) > len(meter.lengths) / 4
    assert 1 <= meter.lengths.count(HORIZON) <= 0.6 * len(meter.lengths)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", named(name for name in MULTI_FIDELITY if not name.startswith("top")))
def test_a_training_goes_on_and_never_does_a_segment_twice(name):
    for segments in study(name, budget=10).seen.values():
        assert [done for done, _ in segments] == list(range(1, len(segments) + 1))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", named((*QUICK, "gp", "cqr", "smac")))
def test_the_same_seed_gives_the_same_study(name):
    first, again = study(name, budget=6, seed=3), study(name, budget=6, seed=3)
    assert first.outcome.trace == again.outcome.trace
    assert first.seen == again.seen


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", RAY)
def test_in_a_population_the_weak_copy_the_strong_and_go_on_under_other_settings(name):
    meter = study(name, budget=4)
    members = list(meter.seen.values())
    assert len(members) == 4
    copied = [segments for segments in members if len({done for done, _ in segments}) < len(segments)]
    given_up = [segments for segments in members if segments[-1][0] < HORIZON]
    assert copied
    assert given_up
    for segments in members:
        assert len({tuple(settings[name] for name in NUMBERS if name not in LIVE) for _, settings in segments}) == 1
    assert len({settings["lr"] for _, settings in copied[0]}) > 1
    assert all(NUMBERS[name].low <= found[name] <= NUMBERS[name].high for seen in members for _, found in seen for name in LIVE)


@pytest.mark.filterwarnings("ignore")
def test_warm_tpe_begins_with_the_portfolio():
    pytest.importorskip("optuna")
    from benchmarks.study_suite.peers import tpe

    meter, best = Watch(3), {**DEFAULT, "lr": 0.1, "dropout": 0.0, "activation": "silu"}
    with suppress(BudgetUsedError):
        tpe.tune(VALLEY, meter, 0, begin=[DEFAULT, best])
    begun = [segments[0][1] for segments in meter.seen.values()]
    assert begun[:2] == [cleaned(DEFAULT), cleaned(best)]
    assert len(begun) > 2


def test_a_portfolio_that_is_not_there_is_named(tmp_path):
    with pytest.raises(MissingDataError, match="not there"):
        portfolio.read(tmp_path / "portfolio.json")
    (tmp_path / "portfolio.json").write_text(json.dumps([DEFAULT]))
    assert portfolio.read(tmp_path / "portfolio.json") == [DEFAULT]


def test_a_portfolio_adds_what_helps_the_problems_that_are_worst_off():
    table = {
        "p": {"a": 0.0, "b": 1.0, "c": 9.0, "d": 2.0, "e": 2.0},
        "q": {"a": 9.0, "b": 1.0, "c": 0.0, "d": 2.0, "e": 2.0},
    }
    assert portfolio.greedy_portfolio(table, 3) == ["a", "c", "b"]
    assert portfolio.greedy_portfolio(table, 9) == ["a", "c", "b", "d", "e"]
    assert portfolio.normalised({"a": 0.0, "b": 1.0, "c": 2.0, "d": float("inf"), "e": 4.0}) == {
        "a": 0.0, "b": 0.5, "c": 1.0, "d": 1.0, "e": 1.0,
    }  # fmt: skip


@pytest.mark.parametrize(("budget", "keep", "wide"), [(10, 1, 244), (10, 5, 140), (3, 5, 3), (1, 1, 1), (0.5, 3, 1)])
def test_top_k_spends_on_first_segments_what_finishing_leaves(budget, keep, wide):
    assert one_segment.width(budget, keep) == wide


def test_asha_promotes_the_best_third_of_a_rung_and_the_highest_first():
    assert asha.promotable([{0: 0.5, 1: 0.1}, {}, {}, {}]) is None
    assert asha.promotable([{0: 0.5, 1: 0.1, 2: 0.3}, {}, {}, {}]) == (1, 1)
    assert asha.promotable([{0: 0.5, 1: 0.1, 2: 0.3, 3: 0.2, 4: 0.4}, {1: 0.1}, {}, {}]) is None
    assert asha.promotable([{0: 0.5, 1: 0.1, 2: 0.3, 3: 0.2, 4: 0.4, 5: 0.6}, {1: 0.1}, {}, {}]) == (3, 1)
    assert asha.promotable([{n: n for n in range(9)}, {0: 0, 1: 1, 2: 2}, {}, {}]) == (0, 2)


def test_ifbo_goes_on_by_single_segments_with_what_its_surrogate_prefers():
    pytest.importorskip("neps")
    from neps import AskAndTell
    from neps.optimizers.ifbo import IFBO
    from neps.space import ConfigEncoder
    from neps.space.encoding import CategoricalToUnitNorm

    from benchmarks.study_suite.peers import freeze_thaw

    space = freeze_thaw.space()
    words = {name: CategoricalToUnitNorm(choices=found.choices) for name, found in space.categoricals.items()}
    encoder = ConfigEncoder.from_parameters(space.searchables, custom_transformers=words)
    optimizer = IFBO(space, encoder, False, None, 9, torch.device("cpu"), Neighbours(), HORIZON - 1)
    meter = Watch(10)
    with suppress(BudgetUsedError):
        freeze_thaw.study(AskAndTell(optimizer), VALLEY, meter, 0)
    assert len(meter.lengths) > 10
    assert HORIZON in meter.lengths
    assert meter.lengths.count(1) > 3
    assert meter.best < 0.8


class Neighbours:
    """A surrogate without weights: it expects of a configuration what the nearest has had, and a bit more of what is far."""

    device = torch.device("cpu")

    def get_pi(self, x, y, samples, y_best):
        distances = torch.cdist(samples[:, 2:], x[:, 2:])
        return y[distances.argmin(dim=1)] + 0.05 * distances.amin(dim=1)


def test_ifbo_says_what_is_missing_when_its_weights_are(tmp_path, monkeypatch):
    pytest.importorskip("neps")
    from benchmarks.study_suite.peers import freeze_thaw

    (tmp_path / ".model").mkdir()
    (tmp_path / ".model" / "ftpfnv0.0.1.tar.gz").touch()  # what is there is not downloaded again
    monkeypatch.setenv("TRIMTAB_FTPFN", str(tmp_path))
    with pytest.raises(MissingDataError, match=r"bopfn_broken_unisep_1000curves_10params_2M\.pt: not there"):
        freeze_thaw.tune(VALLEY, Watch(1), 0)
