"""A policy at work as a moving picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from trimtab.controllers.policy import Policy
from trimtab.controllers.world import Moment, World, open_world
from trimtab.errors import ControlError, MissingExtraError
from trimtab.seeds import derive
from trimtab.systems import System

FRAME_MILLISECONDS = 100


def film(policy: Policy, system: System, path: str | Path, *, seed: int, frames: int) -> None:
    """Write the held-out episode of ``seed`` as a GIF; ``frames`` moments at most are drawn."""
    try:
        from PIL import Image
    except ModuleNotFoundError:
        raise MissingExtraError("a film needs pillow: pip install 'trimtab[plot]'") from None
    world = open_world(system, "test", policy.agent)
    try:
        moments = len(policy.play(world, system, derive(seed, "test", 0)).rewards) + 1
        every, seen, pictures = max(1, -(-moments // frames)), 0, list[Any]()

        def watch(watched: World, _moment: Moment) -> None:
            nonlocal seen
            if seen % every == 0:
                pictures.append(Image.fromarray(_drawn(watched)))
            seen += 1

        _let_draw(world.env)
        policy.play(world, system, derive(seed, "test", 0), watch=watch)
    finally:
        world.close()
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=FRAME_MILLISECONDS, loop=0)


def _let_draw(env: Any) -> None:
    """Ask an environment of trimtab's for pictures as arrays; others were made with what they draw, or without."""
    if getattr(env, "render_mode", "") is None:
        getattr(env, "unwrapped", env).render_mode = "rgb_array"


def _drawn(world: World) -> np.ndarray:
    picture = world.env.render()
    if not isinstance(picture, np.ndarray) or picture.ndim != 3:
        raise ControlError(
            f"film: expected render() to return an array (height, width, 3), got {type(picture).__name__}; "
            "make the environment with render_mode='rgb_array'"
        )
    return picture.astype(np.uint8)
