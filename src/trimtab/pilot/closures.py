"""Work to be done when the gradients of a step are known: before it, or, where it is given a closure, after that was called.

Nothing of trimtab is imported here: an exported schedule carries this file along.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


def when_known(args: tuple[Any, ...], kwargs: Mapping[str, Any], work: Callable[[], None]) -> Arguments | None:
    """Do ``work`` now, or return the arguments of ``optimizer.step`` with a closure that does it as well.

    For a hook before the step, which is given these arguments and may return others. Gradients of a closure are known only
    once it was called, by the step itself; what calls it more than once has the work done each time.
    """
    closure = kwargs.get("closure") or (args[1] if len(args) > 1 else None)
    if closure is None:
        work()
        return None

    def followed() -> Any:
        loss = closure()
        work()
        return loss

    return (args[:1], {**kwargs, "closure": followed})
