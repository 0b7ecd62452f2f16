"""``trimtab control`` and ``trimtab evaluate``: agents that learn to run a system, and how they do beside its rules."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trimtab.cli.options import Json, Quiet

if TYPE_CHECKING:
    from rich.console import RenderableType

    from trimtab.controllers import Evaluation

Env = Annotated[
    str,
    typer.Argument(metavar="ENV", help="A system of trimtab's, an id of Gymnasium, or FILE.py:NAME of what makes one."),
]
Seeds = Annotated[int, typer.Option("--seeds", min=1, help="How many held-out episodes are compared.")]
Against = Annotated[
    str | None,
    typer.Option("--against", metavar="RULES", help="Rules, with commas between (default: all).", show_default=False),
]


def control(
    env: Env,
    agent: Annotated[str, typer.Option("--agent", help="dqn, q-learning, sarsa or random.")] = "dqn",
    budget: Annotated[
        int | None, typer.Option("--budget", min=1, metavar="EPISODES", help="Episodes to learn from.", show_default=False)
    ] = None,
    start: Annotated[
        str, typer.Option("--start", metavar="RULE", help="The rule to begin at: trusted is the system's own; or none.")
    ] = "trusted",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the policy there.", show_default=False)
    ] = None,
    film: Annotated[
        Path | None, typer.Option("--film", metavar="GIF", help="Write the policy at work there.", show_default=False)
    ] = None,
    store: Annotated[str, typer.Option("--store", metavar="STORE", help="Remember the study there.")] = "trimtab.db",
    seeds: Seeds = 20,
    against: Against = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of everything random.")] = 0,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Let agents learn to run a system, and compare them with its rules; "list" names the systems. Run again, it goes on."""
    from trimtab.cli.printing import answer, console
    from trimtab.integrations.loggers.terminal import Terminal

    if env == "list":
        rows = _systems()
        answer(rows, _listed(rows), as_json=as_json)
        return
    import trimtab
    from trimtab.cli.loading import load_env

    terminal = None if quiet else Terminal(console(sys.stderr), title=f"trimtab · {env}")
    result = trimtab.control(
        load_env(env),
        agent=agent,
        budget=None if budget is None else trimtab.Budget(episodes=budget),
        start=None if start == "none" else start,
        store=store,
        loggers=() if terminal is None else (terminal,),
        seed=seed,
    )
    if output is not None:
        result.policy.save(output)
    if film is not None:
        result.film(film)
    found = result.evaluate(seeds=seeds, against=_rules(against))
    answer(_record(found), _compared(found), as_json=as_json)


def evaluate(
    policy: Annotated[str, typer.Argument(metavar="POLICY", help="A file that trimtab control has written.")],
    env: Env,
    seeds: Seeds = 20,
    against: Against = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the held-out episodes.")] = 0,
    as_json: Json = False,
) -> None:
    """Set a policy beside rules on the same held-out episodes."""
    from trimtab.cli.loading import load_env
    from trimtab.cli.printing import answer
    from trimtab.controllers import Policy, as_system
    from trimtab.controllers import evaluate as compare

    system = as_system(load_env(env))
    rules = _rules(against)
    found = compare(
        Policy.load(policy), system, seeds=seeds, against=tuple(system.rules) if rules is None else rules, seed=seed
    )
    answer(_record(found), _compared(found), as_json=as_json)


def _rules(against: str | None) -> list[str] | None:
    return None if against is None else [name.strip() for name in against.split(",") if name.strip()]


def _systems() -> list[dict[str, Any]]:
    from trimtab.systems import systems

    return [
        {"name": each.name, "about": each.about, "cost": each.cost, "rules": list(each.rules), "extra": each.extra}
        for each in systems().values()
    ]


def _listed(rows: list[dict[str, Any]]) -> RenderableType:
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("system", "what it is", "cost", "rules", "extra"):
        table.add_column(title)
    for row in rows:
        table.add_row(row["name"], row["about"], row["cost"], ", ".join(row["rules"]), row["extra"])
    return table


def _record(found: Evaluation) -> dict[str, Any]:
    record: dict[str, Any] = {"system": found.system, "cost": found.cost, "episodes": found.seeds, "standings": found.rows()}
    if found.comparable:
        record["ratio"] = dict(zip(("ratio", "low", "high"), found.ratio(), strict=True))
        record["best rule"] = found.best_rule.name
    return record


def _compared(found: Evaluation) -> RenderableType:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column(f"{found.system}")
    for title in (f"{found.cost}{f', {found.unit}' if found.unit else ''}", "95 % interval", "worst", "ms a decision"):
        table.add_column(title, justify="right")
    for row in found.rows():
        style = "bold" if row["name"] == "policy" else ""
        interval = f"{row['low']:.4g} to {row['high']:.4g}"
        numbers = (f"{row[found.cost]:.4g}", interval, f"{row['worst']:.4g}", f"{1000 * float(row['seconds']):.3g}")
        table.add_row(str(row["name"]), *numbers, style=style)
    if not found.comparable:
        return table
    ratio, low, high = found.ratio()
    words = f"\nratio to the best rule, {found.best_rule.name}: {ratio:.3f} ({low:.3f} to {high:.3f}; below 1 is better)"
    return Group(table, Text(words))
