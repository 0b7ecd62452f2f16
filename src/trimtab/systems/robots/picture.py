"""A picture of a robot: its bodies as a stick figure, which needs no graphics card."""

from __future__ import annotations

from typing import Any

import numpy as np

_INK, _JOINT = "#263238", "#00796b"


def picture(name: str, robot: Any) -> np.ndarray:
    """Return the picture as RGB, shape (height, width, 3): the bodies seen from the side, an arm from above.

    Drawn from the positions of the bodies: the simulator's camera needs OpenGL, which many machines do not have.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    model, data = robot.unwrapped.model, robot.unwrapped.data
    flat = (0, 1) if name.startswith("Reacher") else (0, 2)
    figure = Figure(figsize=(5, 4), dpi=90, facecolor="white", layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    _draw(axes, model, data, flat)
    middle = float(data.xpos[1:, 0].mean()) if name.startswith("Hopper") else 0.0
    reach = 0.3 if name.startswith("Reacher") else 1.6
    axes.set_xlim(middle - reach, middle + reach)
    axes.set_ylim(*((-reach, reach) if flat == (0, 1) else (-0.3, 2 * reach - 0.3)))
    axes.set_aspect("equal")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.set_title(f"{name.split('-')[0]}   ·   {data.time:.2f} s", color=_INK, fontweight="bold")
    canvas.draw()
    return np.asarray(canvas.buffer_rgba(), dtype=np.uint8)[:, :, :3].copy()


def _draw(axes: Any, model: Any, data: Any, flat: tuple[int, int]) -> None:
    if flat == (0, 2):
        axes.axhline(0.0, color="#cfd8dc", linewidth=1)
    for geom in range(model.ngeom):
        kind, size = int(model.geom_type[geom]), model.geom_size[geom]
        centre, turned = data.geom_xpos[geom], data.geom_xmat[geom].reshape(3, 3)
        at = centre[list(flat)]
        if kind in (_CAPSULE, _CYLINDER):
            half = turned[:, 2] * size[1]
            ends = np.array([centre - half, centre + half])[:, list(flat)]
            axes.plot(*ends.T, color=_INK, linewidth=5, solid_capstyle="round")
        elif kind == _SPHERE:
            axes.plot(*at, "o", color="#d32f2f" if model.geom(geom).name == "target" else _JOINT, markersize=9)
    for joint in np.flatnonzero(model.jnt_type == _HINGE):
        axes.plot(*data.xanchor[joint][list(flat)], "o", color=_JOINT, markersize=6)


_SPHERE, _CAPSULE, _CYLINDER = 2, 3, 5
_HINGE = 3
"""Kinds of shapes and of joints, as MuJoCo numbers them (mjtGeom, mjtJoint)."""
