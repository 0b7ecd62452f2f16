"""``trimtab policy``: the policies that a Pilot can fly by, and what is known of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trimtab.cli.options import Json, example

if TYPE_CHECKING:
    from rich.console import RenderableType

app = typer.Typer(no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]})


@app.command("list", epilog=example("trimtab policy list"))
def list_policies(as_json: Json = False) -> None:
    """List the policies that come with trimtab."""
    from trimtab.cli.printing import answer
    from trimtab.policy.archive import load_policy, shipped

    cards = {name: dict(load_policy(name).card) for name in shipped()}
    answer(cards, _table(cards), as_json=as_json)


@app.command("info", epilog=example("trimtab policy info default", "trimtab policy info mine.safetensors --json"))
def info(
    policy: Annotated[str, typer.Argument(metavar="POLICY", help="A policy that is shipped, by name, or a file.")] = "default",
    as_json: Json = False,
) -> None:
    """Show how a policy was learned, what it sees and what it moves."""
    from trimtab.cli.printing import answer
    from trimtab.policy.archive import load_policy
    from trimtab.policy.levers import MOVES

    file = load_policy(policy)
    weights = sum(int(array.size) for array in file.arrays.values())
    record = {
        "policy": policy,
        **file.card,
        "weights": weights,
        "members": file.architecture["members"],
        "levers": {name: MOVES[name] for name in file.levers},
        "features": file.features,
    }
    answer(record, _card(record), as_json=as_json)


def _table(cards: Mapping[str, Mapping[str, Any]]) -> RenderableType:
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("policy", "trainings learned on", "median ratio to the best of nine rates"):
        table.add_column(title)
    for name, card in cards.items():
        figures = card.get("validation", {})
        table.add_row(name, f"{card.get('trainings', 0):,}", f"{figures.get('median ratio', float('nan')):.3f}")
    return table


def _card(record: Mapping[str, Any]) -> RenderableType:
    from rich.table import Table

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for name, value in record.items():
        if isinstance(value, Mapping):
            table.add_row(name, "\n".join(f"{key}: {_text(one)}" for key, one in value.items()))
        else:
            table.add_row(name, _text(value))
    return table


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(f"{one:g}" if isinstance(one, float) else str(one) for one in value)
    return f"{value:,}" if isinstance(value, int) else f"{value:g}" if isinstance(value, float) else str(value)
