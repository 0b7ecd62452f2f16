"""``trimtab data``: the data sets that examples and benchmarks read, and where they are from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trimtab.cli.options import Json, example

if TYPE_CHECKING:
    from rich.console import RenderableType

app = typer.Typer(no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]})


@app.command("list", epilog=example("trimtab data list"))
def list_data(as_json: Json = False) -> None:
    """List the data sets by name, with their licences, and which are on this machine."""
    from trimtab.cli.printing import answer
    from trimtab.datasets import registry
    from trimtab.datasets.fetching import is_here

    told = {
        name: {
            "here": is_here(one),
            "about": one.about,
            "licence": one.licence,
            "home": one.home,
            "install": one.install or None,
        }
        for name, one in registry().items()
    }
    answer(told, _table(told), as_json=as_json)


@app.command("get", epilog=example("trimtab data get multi30k"))
def get(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A data set of `trimtab data list`.")],
    as_json: Json = False,
) -> None:
    """Say where a data set lies, verified; download it from its official source if it is not on this machine."""
    from trimtab.cli.printing import answer, say
    from trimtab.datasets import fetch, find

    folder = fetch(name, progress=lambda path: say(f"downloading {path}"))
    answer({"name": name, "folder": str(folder), "licence": find(name).licence}, str(folder), as_json=as_json)


def _table(told: Mapping[str, Mapping[str, Any]]) -> RenderableType:
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("name", "here", "what it is", "licence"):
        table.add_column(title, no_wrap=title in ("name", "here"))
    for name, one in told.items():
        table.add_row(name, "yes" if one["here"] else "–", one["about"], one["licence"])
    return table
