"""What a study did, for people: a page, figures, sentences and terminal drawings, all told from its events."""

from trimtab.report.figures import plot_losses, plot_settings, plot_tree, plot_values
from trimtab.report.html import Baseline, render
from trimtab.report.story import Account, Change, Spent, Story, tell
from trimtab.report.summary import explain, fragment

__all__ = [
    "Account",
    "Baseline",
    "Change",
    "Spent",
    "Story",
    "explain",
    "fragment",
    "plot_losses",
    "plot_settings",
    "plot_tree",
    "plot_values",
    "render",
    "tell",
]
