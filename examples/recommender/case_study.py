"""A recommender from the problem to its upkeep, in six steps, each a function that prints what it found.

python -m examples.recommender.case_study [--seed 0]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.utils.data import TensorDataset

import trimtab as tt
from examples.bootstrap import interval
from examples.recommender.ratings import FILMS, USERS, watched
from examples.recommender.task import DEFAULT, SHOWN, SPACE, load_splits, make_task, ndcg, recall
from examples.recommender.weeks import Carried, Continual, Judged, Learner, Popular, follow
from examples.steering import peak_memory, predict
from trimtab.env import feature_names
from trimtab.report.story import Story, tell
from trimtab.space import show

START = DEFAULT.replace(lr=1e-3)
"""The rate that PyTorch's Adam has by default: too low for so few steps, so that there is something to decide."""

AGENTS, RUN, SEGMENTS = ("q-learning", "sarsa", "dqn"), 8, 16
"""A run is two epochs, and each agent has two of them: enough to see what is done, not who is better."""

FROZEN = 4
"""Weeks after which the learner that stands for "trained once" learns no more."""

console = Console(width=120)


def problem_space() -> None:
    """Step 1: who watched what, what is predicted, how hard that is, and what may be set."""
    everything = watched()
    each, often = everything.user.bincount()[1:], everything.film.bincount(minlength=FILMS)[1:].sort(descending=True).values
    parts = load_splits()
    _, validation, _ = parts
    popular = popularity(validation.tensors[0])
    shown = [f"{_mean(figure, popular, validation):.4f}" for figure in (ndcg, recall)]
    facts = {
        "people, films, ratings": f"{USERS - 1}, {FILMS - 1}, {len(everything.film):,}",
        "of all pairs of a person and a film, watched": f"{len(everything.film) / (USERS - 1) / (FILMS - 1):.1%}",
        "films of a person: fewest, median, most": f"{int(each.min())}, {int(each.median())}, {int(each.max())}",
        "ratings that the tenth of films watched most has": f"{float(often[: FILMS // 10].sum() / often.sum()):.0%}",
        "train, validation, test": ", ".join(f"{len(part):,}" for part in parts),
        f"recall@{SHOWN} of a draw from all films": f"{SHOWN / (FILMS - 1):.4f}",
        f"NDCG@{SHOWN}, recall@{SHOWN} of what is popular, on validation": ", ".join(shown),
    }
    _print("1. The problem: which film comes next", ("", ""), facts.items())
    who = {True: "an agent, before every segment", False: "once, at the start of a run"}
    rows = [(name, _range(one), who[one.live]) for name, one in SPACE.items()]
    _print("What may be set", ("hyperparameter", "range", "who sets it, and when"), rows)


def reward(seed: int, *, segments: int = RUN) -> Mapping[str, float]:
    """Step 2: what each segment of a run that is left alone would pay; return the test metrics of its last model."""
    env = tt.TrainingEnv(make_task(seed), SPACE, horizon=segments, start=START, reward="best")
    _, told = env.reset(seed=seed)
    before, rows, earned = told["metrics"]["ndcg"], list[Sequence[str]](), 0.0
    first = best = before
    for number in range(1, segments + 1):
        _, paid, _, _, told = env.step(SPACE.keep())
        now, earned = told["metrics"], earned + paid
        best = max(best, now["ndcg"])
        figures = (f"{now['loss']:.3f}", f"{now['ndcg']:.4f}", f"{now['ndcg'] - before:+.4f}", f"{paid:+.4f}")
        rows.append((str(number), *figures))
        before = now["ndcg"]
    _print(
        f"2. The reward: {START['model']} at rate {START['lr']:g}, left alone",
        ("segment", "validation loss", "NDCG", 'reward "final"', 'reward "best"'),
        rows,
    )
    console.print(
        f'The rewards "best" add up to {earned:+.4f}, which is the best NDCG less the first: {best:.4f} - {first:.4f}.'
    )
    return env.evaluate("test")


def model_and_start(seed: int) -> None:
    """Step 3: each model before its first step and after a quarter of an epoch at the default rate."""
    task, rows = make_task(seed), list[Sequence[str]]()
    for kind, informed in (("factors", False), ("two towers", False), ("two towers", True), ("sequence", False)):
        settings = DEFAULT.replace(model=kind, informed=informed)
        state = task.start(settings, seed=seed)
        before = task.measure(state).metrics
        after = task.advance(state, tt.Segment(settings, seed=seed, index=0, horizon=RUN))
        name = f"{kind}, with features" if informed else kind
        figures = (
            f"{before['loss']:.3f}",
            f"{after.metrics['loss']:.3f}",
            f"{before['ndcg']:.4f}",
            f"{after.metrics['ndcg']:.4f}",
        )
        rows.append((name, f"{after.parameters:,}", *figures, f"{after.seconds:.1f}"))
    heads = ("model", "parameters", "loss before", "loss after", "NDCG before", "NDCG after", "seconds")
    _print("3. The model and its start: before the first step, and a quarter of an epoch later", heads, rows)
    console.print("The studies start from", ", ".join(f"{name} {show(value)}" for name, value in START.items()))


def decisions(seed: int, folder: Path, *, segments: int = SEGMENTS) -> dict[str, tt.Result]:
    """Step 4: the same budget under three kinds of agents; what each did and how it came to it."""
    seen, moves = feature_names(SPACE), ", ".join(map(str, SPACE["lr"].moves))
    console.print(
        f"\nAn agent sees {len(seen)} figures of a run, none of which depends on the scale of its loss; the first are "
        f"{', '.join(seen[:6])}. The rate has the moves {moves}."
    )
    task, results = make_task(seed), dict[str, tt.Result]()
    for agent in AGENTS:
        results[agent] = tt.Study(
            task,
            SPACE,
            budget=tt.Budget(segments=segments),
            horizon=RUN,
            agent=agent,
            start=START,
            store=folder / f"{agent}.db",
            seed=seed,
        ).run()
    stories = {agent: tell(result.events, result.goal) for agent, result in results.items()}
    _print(
        f"4. The decisions of the agents: {segments} segments each",
        ("agent", "runs", "forks", "decisions", "moves", "to explore", "best NDCG", "of the start"),
        [(agent, *_doings(story), *_gain(story)) for agent, story in stories.items()],
    )
    for agent, result in results.items():
        console.print(f"\n[bold]{agent}[/bold]")
        console.print(result.explain(), highlight=False)
    return results


def training_and_evaluation(
    results: Mapping[str, tt.Result], alone: Mapping[str, float], seed: int, *, segments: int = RUN
) -> None:
    """Step 5: the best path segment by segment, and the test, for each agent the model that was best on validation."""
    best = max(results, key=lambda agent: results[agent].best.metrics["ndcg"])
    path = tell(results[best].events, results[best].goal).best_path
    rows = [
        (
            str(number),
            ", ".join(f"{each.name} {show(each.before)} -> {show(each.after)}" for each in account.changes) or "-",
            f"{account.node.after.train_loss:.3f}",
            *(f"{account.node.after.metrics[name]:.4f}" for name in ("loss", "ndcg", "recall")),
            f"{account.node.reward:+.4f}",
        )
        for number, account in enumerate(path, start=1)
    ]
    heads = ("segment", "moves", "train loss", "loss", "NDCG", "recall", "reward")
    _print(f"5. Training and evaluation: the path to the best model of {best}", heads, rows)
    _, validation, test = load_splits(seed)
    task = make_task(seed)
    state = task.start(DEFAULT, seed=seed)
    for index in range(segments):
        task.advance(state, tt.Segment(DEFAULT, seed=seed + index, index=index, horizon=segments))
    scored = {"the default, left alone": (predict(state.model, test)[0], task.evaluate(state, "validation")["ndcg"])}
    for agent, result in results.items():
        scored[agent] = (predict(result.load_model(), test)[0], result.best.metrics["ndcg"])
    shown = popularity(test.tensors[0])
    popular = (
        "popularity",
        f"{_mean(ndcg, popularity(validation.tensors[0]), validation):.4f}",
        *_tested(shown, test.tensors[1]),
    )
    rows = [
        popular,
        ("the start, left alone", "", f"{alone['ndcg']:.4f}", "", f"{alone['recall']:.4f}"),
        *((name, f"{known:.4f}", *_tested(scores, test.tensors[1])) for name, (scores, known) in scored.items()),
    ]
    _print("Test", ("", "NDCG, validation", "NDCG, test", "95 % interval", "recall, test"), rows)


def going_on(seed: int, *, most: int | None = None) -> None:
    """Step 6: week by week, each week predicted before it is learned from."""
    learners: dict[str, Learner] = {
        "popularity so far": Popular(),
        f"trained for {FROZEN} weeks, then left": Carried(seed, until=FROZEN),
        "carried on, fixed rate": Carried(seed),
        "carried on, by a Pilot": Carried(seed, steer=True),
        "tt.Continual": Continual(seed),
    }
    judged = follow(learners, most=most)
    count = len(next(iter(judged.values())))
    third = max(1, (count - 1) // 3)
    spans = [(1, count), (1, 1 + third), (1 + third, 1 + 2 * third), (1 + 2 * third, count)]
    rows = [
        (name, str(learners[name].steps), *(_over(weeks[low:high], "ndcg") for low, high in spans), _over(weeks[1:], "recall"))
        for name, weeks in judged.items()
    ]
    heads = [f"weeks {low + 1}-{high}" for low, high in spans]
    _print(f"6. Going on: NDCG of {count - 1} weeks", ("", "steps", *heads, "recall"), rows)


def popularity(rows: Tensor) -> Tensor:
    """Return for each row how often every film was watched in training; what the person has seen there is left out."""
    everything = watched()
    learned = everything.place >= 2
    counts = torch.bincount(everything.film[learned], minlength=FILMS).float()
    seen = torch.zeros(USERS, FILMS, dtype=torch.bool)
    seen[everything.user[learned], everything.film[learned]] = True
    seen[:, 0] = True
    return counts.expand(len(rows), -1).masked_fill(seen[rows[:, 0]].scatter(1, rows[:, 1:], True), -1.0)


def _range(one: tt.Float | tt.Int | tt.Categorical | tt.Bool) -> str:
    match one:
        case tt.Categorical():
            return ", ".join(map(str, one.choices))
        case tt.Bool():
            return "yes, no"
    return f"{one.low:g} to {one.high:g}{', logarithmic' if one.log else ''}"


def _mean(figure: Callable[[Tensor, Tensor], Tensor], scores: Tensor, data: TensorDataset) -> float:
    return float(figure(scores, data.tensors[1]).mean())


def _tested(scores: Tensor, films: Tensor) -> tuple[str, str, str]:
    of_each = ndcg(scores, films)
    low, high = interval(lambda values, _: float(values.mean()), of_each, films)
    return f"{float(of_each.mean()):.4f}", f"{low:.4f} to {high:.4f}", f"{float(recall(scores, films).mean()):.4f}"


def _doings(story: Story) -> tuple[str, ...]:
    """Runs, forks, choices that a head made, those that changed something, those made to explore."""
    nodes = [account.node for account in story.accounts.values()]
    heads = [head for node in nodes for head in node.job.choice.heads]
    changes = [change for account in story.accounts.values() for change in account.changes]
    forks = sum(account.is_fork for account in story.accounts.values())
    return str(len(story.roots)), str(forks), str(len(heads)), str(len(changes)), str(sum(head.explored for head in heads))


def _gain(story: Story) -> tuple[str, str]:
    assert story.best is not None
    first = story.best_path[0]
    return f"{story.best.after:.4f}", f"{first.node.job.settings['model']}, rate {first.node.job.settings['lr']:.2g}"


def _over(weeks: Sequence[Judged], name: str) -> str:
    total = sum(week.count for week in weeks)
    return f"{sum(getattr(week, name) * week.count for week in weeks) / total:.4f}" if total else "-"


def _print(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = Table(*heads, title=title, title_justify="left", title_style="bold", show_header=any(heads))
    for row in rows:
        table.add_row(*row)
    console.print()
    console.print(table)


def main(seed: int) -> None:
    """Take the six steps."""
    began = time.perf_counter()
    problem_space()
    alone = reward(seed)
    model_and_start(seed)
    with TemporaryDirectory() as folder:
        results = decisions(seed, Path(folder))
        training_and_evaluation(results, alone, seed)
    going_on(seed)
    console.print(f"\n{time.perf_counter() - began:.0f} s, {peak_memory():.0f} MB at most")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    main(parser.parse_args().seed)
