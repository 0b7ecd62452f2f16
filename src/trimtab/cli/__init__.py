"""The command line. Thin: it finds a study, asks the layers below, and prints; nothing heavy is imported until it is needed."""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line on ``arguments`` (default: those of the process) and exit with its code."""
    from trimtab.cli.app import call

    raise SystemExit(call(arguments))


__all__ = ["main"]
