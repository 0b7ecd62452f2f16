"""Training that goes on for as long as data arrive: evaluated first, then trained on, steered all the while."""

from trimtab.continual.continual import Continual, Report

__all__ = ["Continual", "Report"]
