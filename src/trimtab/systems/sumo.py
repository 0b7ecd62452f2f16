"""SUMO in this process: there is one simulation at a time, and whoever starts one ends the one before."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from types import ModuleType

from trimtab.errors import ControlError
from trimtab.systems.system import simulator

EXTRA = "traffic"


def libsumo() -> ModuleType:
    """Return the module libsumo."""
    # it prints where the version of pyarrow, which is not used here, is another one than it was built with
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return simulator("libsumo", EXTRA)


class Sumo:
    """One simulation, from its start until it is closed or another one starts. ``arguments``: of SUMO's command line."""

    _running: Sumo | None = None

    def __init__(self, arguments: Sequence[str]) -> None:
        self._module = libsumo()
        if Sumo._running is not None:
            Sumo._running.close()
        quiet = ("--no-step-log", "--no-warnings", "--duration-log.disable")
        self._module.start(["sumo", *arguments, *quiet])
        Sumo._running = self

    @property
    def api(self) -> ModuleType:
        """libsumo, while it runs this simulation; an error where another one has taken its place."""
        if Sumo._running is not self:
            raise ControlError(
                "env: expected its own simulation, got another one: SUMO runs one in a process, and another environment was "
                "reset since; reset this one, or keep each in a process of its own"
            )
        return self._module

    def advance(self, until: float) -> None:
        """Let time pass to ``until``, in seconds."""
        self.api.simulationStep(until)

    def close(self) -> None:
        """End the simulation, if it is still the one that runs."""
        if Sumo._running is self:
            Sumo._running = None
            self._module.close()
