"""The commands under their names, and what every one of them has in common: its errors, its exit codes, its help."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Annotated

import typer

from trimtab.cli import control, data, doctor, init, look, policies, repeat, steer, train
from trimtab.cli.mistakes import FAILED, exit_code
from trimtab.cli.options import example
from trimtab.cli.printing import complain, plain_warnings
from trimtab.errors import TrimtabError

app = typer.Typer(
    name="trimtab",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=example("trimtab run task.py:study", "trimtab show digits.db", "trimtab report digits.db -o report.html"),
)

_COMMANDS = (
    ("init", init.init, "Train", ("trimtab init table houses.csv --target price", "trimtab init images pictures/ -o cats.py")),
    ("run", train.run, "Train", ("trimtab run task.py:study", "trimtab run task.py:study --workers 4 --segments 800")),
    ("resume", train.resume, "Train", ("trimtab resume digits.db", "trimtab resume digits.db --segments 800")),
    ("fork", steer.fork, "Train", ("trimtab fork digits.db 17 --set lr=0.01 --set optimizer=adam",)),
    ("override", steer.override, "Train", ("trimtab override digits.db --fix lr=0.01", "trimtab override digits.db --end 17")),
    ("list", look.list_studies, "Look", ("trimtab list digits.db",)),
    ("show", look.show, "Look", ("trimtab show digits.db", "trimtab show digits.db --explain --last 10")),
    ("tree", look.tree, "Look", ("trimtab tree digits.db",)),
    ("report", look.report, "Look", ("trimtab report digits.db -o report.html",)),
    ("replay", repeat.replay, "Take away", ("trimtab replay digits.db --seeds 5",)),
    ("export", repeat.export, "Take away", ("trimtab export digits.db -o schedule.py -o schedule.json",)),
    ("control", control.control, "Run a system", ("trimtab control list", "trimtab control traffic/cologne1 --budget 100")),
    (
        "evaluate",
        control.evaluate,
        "Run a system",
        ("trimtab evaluate cologne1.safetensors traffic/cologne1 --against max-pressure",),
    ),
    ("doctor", doctor.doctor, "Check", ("trimtab doctor", "trimtab doctor task.py:study")),
)

for _name, _command, _panel, _examples in _COMMANDS:
    app.command(_name, rich_help_panel=_panel, epilog=example(*_examples))(_command)

app.add_typer(data.app, name="data", rich_help_panel="Take away", help="Get the data sets that the examples read.")
app.add_typer(policies.app, name="policy", rich_help_panel="Look", help="Show the policies that a Pilot can fly by.")


def call(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 failed, 2 a mistake in what was asked, 130 Ctrl-C."""
    try:
        with plain_warnings():
            app(None if arguments is None else list(arguments), prog_name="trimtab")
    except TrimtabError as error:
        if "TRIMTAB_TRACEBACK" in os.environ:
            raise
        complain(str(error))
        return exit_code(error)
    except KeyboardInterrupt:
        return 130
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else FAILED
    return 0


def _version(wanted: bool) -> None:
    if wanted:
        from trimtab import __version__

        typer.echo(f"trimtab {__version__}")
        raise typer.Exit


@app.callback()
def trimtab(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Agents that tune a neural network while it trains."""
