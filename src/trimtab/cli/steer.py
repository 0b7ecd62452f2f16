"""``trimtab fork`` and ``trimtab override``: what a user asks of a study, whether it is running or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from trimtab.cli.options import Json, Quiet, Store, StudyName, TaskTarget, Workers

if TYPE_CHECKING:
    from trimtab.cli.stores import Opened
    from trimtab.store.records import BudgetExtended, ForkRequested, Override

Many = list[str] | None


def fork(
    store: Store,
    node: Annotated[int, typer.Argument(metavar="NODE", help="The segment to continue; trimtab tree shows their numbers.")],
    settings: Annotated[
        Many, typer.Option("--set", "-s", metavar="NAME=VALUE", help="Change this setting; may be given several times.")
    ] = None,
    study_name: StudyName = None,
    task: TaskTarget = None,
    no_run: Annotated[bool, typer.Option("--no-run", help="Only leave the request in the store.")] = False,
    workers: Workers = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Continue a segment with other settings.

    The request is left in the store. A process that runs the study takes it; if there is none, the study goes on here. A study
    whose budget is spent gets as many segments more as the fork needs to come to the end of its run.
    """
    from trimtab.cli.stores import open_study
    from trimtab.cli.values import parse_settings
    from trimtab.study import overrides

    opened = open_study(store, study_name, write=True)
    changes = parse_settings(opened.space, settings or (), "--set")
    request = overrides.fork(opened.space, opened.story.tree, node, changes)
    if no_run:
        _leave(opened, [request], as_json=as_json)
        return
    _go_on(opened, request, task, workers=workers, quiet=quiet, as_json=as_json)


def override(
    store: Store,
    fixed: Annotated[Many, typer.Option("--fix", metavar="NAME=VALUE", help="Hold a live setting at a value.")] = None,
    freed: Annotated[Many, typer.Option("--free", metavar="NAME", help="Give a setting back to its agent.")] = None,
    bounds: Annotated[Many, typer.Option("--bound", metavar="NAME=LOW:HIGH", help="Keep a number in a narrower range.")] = None,
    ended: Annotated[
        list[int] | None, typer.Option("--end", metavar="NODE", help="End the branch at this segment and all below it.")
    ] = None,
    extended: Annotated[
        int | None, typer.Option("--extend", metavar="SEGMENTS", min=1, help="Add so many segments to the budget.")
    ] = None,
    study_name: StudyName = None,
    as_json: Json = False,
) -> None:
    """Fix or free a setting, narrow a range, end a branch, add to the budget, from the next segment on.

    Works while the study runs in another process; a study that does not run takes it up when it goes on.
    """
    from trimtab.cli.mistakes import CommandError
    from trimtab.cli.stores import open_study
    from trimtab.cli.values import parse_bound, parse_settings
    from trimtab.store.records import BudgetExtended
    from trimtab.study import overrides

    opened = open_study(store, study_name, write=True)
    space = opened.space
    requests: list[Override] = [
        *(overrides.fix(space, name, value) for name, value in parse_settings(space, fixed or (), "--fix").items()),
        *(overrides.fix(space, name, None) for name in freed or ()),
        *(overrides.bound(space, *parse_bound(text)) for text in bounds or ()),
        *(overrides.end(opened.story.tree, node) for node in ended or ()),
        *([] if extended is None else [BudgetExtended({"segments": extended}, added=True)]),
    ]
    if not requests:
        raise CommandError("nothing to override: give --fix, --free, --bound, --end or --extend")
    _leave(opened, requests, as_json=as_json)


def _leave(opened: Opened, requests: list[Override], *, as_json: bool) -> None:
    """Leave ``requests`` in the store for the process that runs the study."""
    from trimtab.cli.printing import answer
    from trimtab.cli.summary import words_of

    for request in requests:
        opened.journal.request(request)
    words = [words_of(request) for request in requests]
    record = {"store": opened.place, "study": opened.name, "requested": words}
    asked = "\n".join(f"asked: {text}" for text in words)
    then = "taken up when it goes on with more budget" if opened.story.finished else "taken up at the next segment"
    answer(record, f"{asked}\n{then}", as_json=as_json)


def _go_on(
    opened: Opened, request: ForkRequested, task: str | None, *, workers: int | None, quiet: bool, as_json: bool
) -> None:
    """Leave ``request`` and run the study, unless another process does, or it is not known how."""
    from trimtab.cli.conduct import conduct
    from trimtab.cli.mistakes import CommandError
    from trimtab.cli.printing import say
    from trimtab.cli.stores import set_workers, study_of
    from trimtab.errors import StoreLockedError

    try:
        study = study_of(opened, task)
    except CommandError as error:
        if task is not None:
            raise
        _leave(opened, [request], as_json=as_json)
        say(("not run: ", "bold yellow"), str(error))
        return
    if workers is not None:
        set_workers(study, workers)
    opened.journal.request(request)
    if opened.story.finished:
        opened.journal.request(_to_its_end(opened, request))
    try:
        conduct(study, as_json=as_json, quiet=quiet)
    except StoreLockedError as error:
        say(("asked: ", "bold"), f"node {request.node} is forked by the process that runs the study ({error})")


def _to_its_end(opened: Opened, request: ForkRequested) -> BudgetExtended:
    """Return what the fork needs, at the cost of a segment so far, to come to the end of its run, beyond the budget."""
    from trimtab.cli.summary import spent
    from trimtab.store.records import BudgetExtended

    job = opened.story.tree[request.node].job
    needed, used = job.horizon - job.index - 1, spent(opened)
    more = {unit: needed * used.get(unit, 0) / used["segments"] for unit in opened.story.budget}
    beyond = {unit: max(0.0, used.get(unit, 0) - amount) for unit, amount in opened.story.budget.items()}
    return BudgetExtended({unit: more[unit] + beyond[unit] for unit in more}, added=True)
