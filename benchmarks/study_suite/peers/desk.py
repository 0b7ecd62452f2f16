"""Where processes that Ray starts ask for training: the meter and all trainings stay in one process, the others send calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Listener
from threading import Thread
from typing import Any

from benchmarks.study_suite.meter import BudgetUsedError
from benchmarks.study_suite.peers.trials import Trial, Trials

Address = Any
KEY = b"a member of the population"
CLOSE = "close"


class Desk:
    """Trials by number: those that run, and the copies that are kept as checkpoints."""

    def __init__(self, trials: Trials) -> None:
        self.trials = trials
        self.held: list[Trial] = []
        self.stopped: BaseException | None = None

    def begin(self, settings: Mapping[str, Any]) -> int:
        return self._hold(self.trials.begin(settings))

    def advance(self, number: int) -> tuple[float, bool]:
        """Return the loss after one more segment, and whether the budget is used: then it is the loss that the worst have."""
        trial = self.held[number]
        try:
            return self.trials.loss(trial, len(trial.losses) + 1), False
        except BudgetUsedError as error:
            self.stopped = error
            return self.trials.ceiling, True

    def keep(self, number: int) -> int:
        """Return the number of a copy of a trial as it is now."""
        return self._hold(self.held[number].copy())

    def resume(self, number: int, settings: Mapping[str, Any]) -> int:
        """Return the number of a trial that goes on from a copy, under other settings."""
        trial = self.held[number].copy()
        trial.training.change(settings)
        return self._hold(trial)

    def clear(self) -> None:
        self.held.clear()

    def _hold(self, trial: Trial) -> int:
        self.held.append(trial)
        return len(self.held) - 1


@contextmanager
def opened(desk: Desk) -> Iterator[Address]:
    """Serve ``desk`` at an address until the context ends."""
    with Listener(authkey=KEY) as listener:
        server = Thread(target=_serve, args=(listener, desk), daemon=True)
        server.start()
        try:
            yield listener.address
        finally:
            call(listener.address, CLOSE)
            server.join()


def call(address: Address, verb: str, *arguments: Any) -> Any:
    """Return what the method ``verb`` of the desk returns; raise what it raises."""
    with Client(address, authkey=KEY) as line:
        line.send((verb, arguments))
        result = line.recv()
    if isinstance(result, BaseException):
        raise result
    return result


def _serve(listener: Listener, desk: Desk) -> None:
    """Answer one call after the other; a caller that breaks off, as one that is killed does, is none of its business."""
    verb = ""
    while verb != CLOSE:
        with suppress(EOFError, OSError, AuthenticationError), listener.accept() as line:
            verb, arguments = line.recv()
            line.send(None if verb == CLOSE else _answer(desk, verb, arguments))


def _answer(desk: Desk, verb: str, arguments: tuple[Any, ...]) -> Any:
    try:
        return getattr(desk, verb)(*arguments)
    except Exception as error:  # noqa: BLE001  # it is raised where the call came from
        return error
