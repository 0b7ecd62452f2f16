"""The report of a study as one page that needs nothing but itself: no network, no other file, no account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from trimtab.report.aims import Aims, front, kept_limits
from trimtab.report.charts import loss_charts, progress_chart, setting_charts
from trimtab.report.decisions import embed
from trimtab.report.evaluation import agent_records, forecasts, reuse
from trimtab.report.importance import change_worths, importances, start_correlations
from trimtab.report.incidents import incidents
from trimtab.report.lanes import lay_out
from trimtab.report.story import Account, Story, tell
from trimtab.report.words import count, duration, figure, share, signed, whole
from trimtab.space import show
from trimtab.store.records import Event
from trimtab.task import Goal

if TYPE_CHECKING:
    from jinja2 import Environment

MOST_INCIDENTS = 60
MOST_OF_FRONT = 20


class Baseline(NamedTuple):
    """A result to stand beside that of the study. None where something was not measured."""

    name: str
    validation_error: float | None
    test_error: float | None
    segments: int | None
    seconds: float | None


def render(
    events: Sequence[Event],
    goal: Goal,
    *,
    title: str,
    baselines: Sequence[tuple[str, float | None, float | None, int | None, float | None]] | None = None,
) -> str:
    """Return the page for ``events``: the tree, the curves, the settings over time, and every decision.

    ``baselines``: rows as in ``Baseline``, shown at the top in the order given.
    """
    from markupsafe import Markup

    story = tell(events, goal)
    noted = incidents(story)
    progress = progress_chart(story)
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            title=title,
            count=count,
            story=story,
            metric=goal.metric,
            best=story.best,
            start_figure=_start_figure(story),
            facts=_facts(story),
            baselines=_rows([Baseline(*row) for row in baselines or ()]),
            chips=_chips(story),
            lanes=lay_out(story),
            curves=[chart for chart in (progress, *loss_charts(story)) if chart is not None],
            settings=setting_charts(story),
            worths=change_worths(story),
            importances=importances(story),
            agents=agent_records(story.tree),
            forecasts=forecasts(story.tree),
            limits=kept_limits(story),
            objectives=Aims.of(story.config).objectives,
            front=front(story)[:MOST_OF_FRONT],
            correlations=start_correlations(story),
            incidents=noted[:MOST_INCIDENTS],
            more_incidents=max(0, len(noted) - MOST_INCIDENTS),
            data=Markup(embed(story)),  # noqa: S704  # embed() escapes every character that HTML could take for markup
        )
    )


def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader

    environment = Environment(
        loader=PackageLoader("trimtab.report", "templates"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(figure=figure, signed=signed, share=share)
    return environment


@dataclass(frozen=True, slots=True)
class Fact:
    name: str
    value: str


def _facts(story: Story) -> list[Fact]:
    spent, kinds = story.spent, [account.node.job.choice.kind for account in story.accounts.values()]
    facts = [Fact("Segments", f"{whole(spent.segments)}{_of_budget(story, 'segments')}")]
    if spent.epochs:
        facts.append(Fact("Epochs", f"{whole(round(spent.epochs, 2))}{_of_budget(story, 'epochs')}"))
    facts.append(Fact("Runs", whole(len(story.roots))))
    facts.append(Fact("Forks", whole(sum(kind in ("fork", "user") for kind in kinds))))
    facts.append(Fact("Diverged", whole(sum(account.diverged for account in story.accounts.values()))))
    if len(story.tree):
        facts.append(Fact("Segments reused", f"{reuse(story.tree):.0%}"))
    facts.append(Fact("Training time", f"{duration(spent.seconds)}{_of_budget(story, 'seconds')}"))
    if isinstance(story.config.get("agent"), str):
        facts.append(Fact("Agent", story.config["agent"]))
    facts.append(Fact("Status", "finished: " + story.finished if story.finished else "not finished"))
    return facts


def _of_budget(story: Story, unit: str) -> str:
    return f" of {whole(story.budget[unit])}" if unit in story.budget else ""


def _start_figure(story: Story) -> str | None:
    if not story.best_path:
        return None
    start = story.best_path[0].before
    return figure(start) if start == start else None  # NaN: not measured


def _chips(story: Story) -> list[dict[str, Any]]:
    best: Account | None = story.best
    if best is None:
        return []
    settings = best.node.job.settings
    active = story.active(settings)
    return [
        {
            "name": name,
            "value": show(settings[name]),
            "start": story.space is not None and name not in story.space.live,
            "faint": name not in active,
        }
        for name in story.names
        if name in settings
    ]


def _rows(baselines: list[Baseline]) -> list[dict[str, Any]]:
    errors = [row.test_error for row in baselines if row.test_error is not None]
    lowest = min(errors) if errors else None
    return [
        {
            "name": row.name,
            "validation": figure(row.validation_error),
            "test": figure(row.test_error),
            "segments": "–" if row.segments is None else row.segments,
            "time": "–" if row.seconds is None else duration(row.seconds),
            "best": row.test_error is not None and row.test_error == lowest,
        }
        for row in baselines
    ]
