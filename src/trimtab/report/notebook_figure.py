"""A matplotlib figure that a notebook shows, although pyplot has never heard of it. Imported only where matplotlib is there."""

from __future__ import annotations

import io

from matplotlib.figure import Figure


class NotebookFigure(Figure):
    """A figure made without pyplot has no picture in a notebook until pyplot is imported; this one brings its own."""

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png", dpi=120)
        return file.getvalue()
