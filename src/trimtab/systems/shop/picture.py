"""A picture of a shop: the clicks on every page, shopper by shopper."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trimtab.systems.shop.shoppers import SHOWN

_INK = "#263238"


def picture(clicks: Sequence[tuple[int, int]], pages: np.ndarray) -> np.ndarray:
    """Return the picture as RGB, shape (height, width, 3). ``clicks``: shopper and number, page by page so far."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5), dpi=90, facecolor="white", layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    seen = np.full((len(pages), int(pages.max())), np.nan)
    page = np.zeros(len(pages), dtype=int)
    for shopper, count in clicks:
        seen[shopper, page[shopper]] = count
        page[shopper] += 1
    image = axes.imshow(seen, vmin=0, vmax=SHOWN, cmap="YlGnBu", aspect="auto", interpolation="nearest")
    for shopper, length in enumerate(pages):
        axes.plot([length - 0.5, length - 0.5], [shopper - 0.5, shopper + 0.5], color="#b0bec5", linewidth=1)
    axes.set_yticks(range(0, len(pages), 5))
    axes.set_xlabel("page", color=_INK)
    axes.set_ylabel("shopper", color=_INK)
    axes.spines[["top", "right"]].set_visible(False)
    figure.colorbar(image, ax=axes, label=f"items clicked, of {SHOWN}")
    total = sum(count for _, count in clicks)
    mean = total / max(1, len(clicks))
    figure.suptitle(f"{len(clicks)} pages   ·   {mean:.2f} clicks a page", color=_INK, fontweight="bold")
    canvas.draw()
    return np.asarray(canvas.buffer_rgba(), dtype=np.uint8)[:, :, :3].copy()
