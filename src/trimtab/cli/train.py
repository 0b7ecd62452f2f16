"""``trimtab run`` and ``trimtab resume``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from trimtab.cli.options import Json, Quiet, Store, StudyName, Target, TaskTarget, Workers

if TYPE_CHECKING:
    from trimtab.study.study import Study

Segments = Annotated[
    int | None,
    typer.Option("--segments", "-n", min=1, help="Let the whole study have so many segments.", show_default=False),
]


def run(
    target: Target,
    workers: Workers = None,
    segments: Segments = None,
    store: Annotated[
        str | None, typer.Option("--store", metavar="STORE", help="Remember the study there.", show_default=False)
    ] = None,
    study_name: Annotated[
        str | None, typer.Option("--study", metavar="NAME", help="Remember it under this name.", show_default=False)
    ] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Run a study until its budget is spent.

    The same command goes on where it was stopped: Ctrl-C once ends in good order, twice at once, and nothing committed is lost.
    """
    from trimtab.cli.conduct import conduct
    from trimtab.cli.loading import load_study

    study = load_study(target)
    study.store = store or study.store
    study.name = study_name or study.name
    _adjust(study, workers=workers, segments=segments)
    conduct(study, as_json=as_json, quiet=quiet)


def resume(
    store: Store,
    study_name: StudyName = None,
    task: TaskTarget = None,
    workers: Workers = None,
    segments: Segments = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Go on with a study from where its store says that it is.

    A study whose budget is spent goes on if it is given more segments.
    """
    from trimtab.cli.conduct import conduct
    from trimtab.cli.stores import open_study, study_of

    study = study_of(open_study(store, study_name), task)
    _adjust(study, workers=workers, segments=segments)
    conduct(study, as_json=as_json, quiet=quiet)


def _adjust(study: Study, *, workers: int | None, segments: int | None) -> None:
    from trimtab.cli.stores import set_workers
    from trimtab.study.budget import Budget

    if workers is not None:
        set_workers(study, workers)
    if segments is not None:
        study.budget = Budget(segments=segments)
