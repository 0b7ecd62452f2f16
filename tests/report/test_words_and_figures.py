from __future__ import annotations

import io
import sys

import pytest
from rich.console import Console

from trimtab.errors import MissingExtraError, StudyError
from trimtab.report import explain, plot_losses, plot_settings, plot_tree, plot_values, tell
from trimtab.report.terminal import table, tree
from trimtab.store.records import SegmentFinished

PLOTS = {
    "losses": plot_losses,
    "settings": plot_settings,
    "tree": plot_tree,
    "values": lambda events, goal, **options: plot_values(events, goal, 12, **options),
}


def printed(drawing, width=120):
    console = Console(file=io.StringIO(), width=width)
    console.print(drawing)
    return console.file.getvalue()


def test_explain_tells_the_result_the_start_every_change_and_what_went_wrong(events, goal):
    sentences = explain(events, goal)
    text = "\n".join(sentences)
    story = tell(events, goal)
    assert all(sentence.endswith(".") for sentence in sentences)
    assert f"reached by segment {story.best.id}" in sentences[0]
    for account in story.best_path[1:]:
        for change in account.changes:
            assert any(f"Segment {account.id} " in sentence and change.name in sentence for sentence in sentences)
    for words in (
        "diverged",
        "abandoned: predicted to end at 1.9",
        "expected 64 columns",
        "The user, shuffle: fixed it at yes",
    ):
        assert words in text


def test_explain_has_something_to_say_of_an_empty_study(goal):
    assert explain([], goal) == ["No segment came to a finite loss (0 segments ran)."]


def test_the_terminal_tree_names_every_segment(events, goal):
    lines = printed(tree(events, goal)).splitlines()
    for event in events:
        if isinstance(event, SegmentFinished):
            assert any(f" {event.node.id} " in line for line in lines)
    assert sum(" best " in line and "→" in line for line in lines) >= 1


def test_the_terminal_tree_of_a_large_study_stays_short(large_events, goal):
    assert len(printed(tree(large_events, goal)).splitlines()) < 1500


def test_the_terminal_table_has_a_row_a_segment_or_as_many_as_asked(events, goal):
    count = sum(isinstance(event, SegmentFinished) for event in events)
    assert len(printed(table(events, goal)).splitlines()) == count + 1
    assert len(printed(table(events, goal, last=5)).splitlines()) == 6
    assert "diverged" in printed(table(events, goal))


def test_markup_in_names_is_printed_as_it_is(events, goal):
    assert "[bold]x" in printed(tree(events, goal, title="[bold]x"))


@pytest.mark.parametrize("name", PLOTS)
def test_figures_are_drawn_by_matplotlib_without_its_global_state(name, events, goal):
    import matplotlib as mpl
    from matplotlib.figure import Figure

    before = dict(mpl.rcParams)
    figure = PLOTS[name](events, goal)
    assert isinstance(figure, Figure)
    file = io.BytesIO()
    figure.savefig(file, dpi=30)
    assert file.getvalue().startswith(b"\x89PNG")
    assert dict(mpl.rcParams) == before
    assert "matplotlib.pyplot" not in sys.modules or not sys.modules["matplotlib.pyplot"].get_fignums()


def test_a_notebook_shows_a_figure_although_pyplot_does_not_know_it(events, goal):
    assert plot_tree(events, goal)._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", PLOTS)
def test_figures_are_drawn_by_plotly(name, events, goal):
    figure = PLOTS[name](events, goal, backend="plotly")
    assert len(figure.data) > 0
    assert figure.to_json()


def test_the_loss_figure_holds_the_measured_losses(events, goal):
    story = tell(events, goal)
    best = [account.after for account in story.best_path]
    drawn = [list(line.get_ydata()) for axes in plot_losses(events, goal).axes for line in axes.lines]
    assert any(line[1:] == pytest.approx(best) for line in drawn)


def test_the_values_figure_has_a_panel_a_head(events, goal, space):
    titles = [axes.get_title(loc="left") for axes in plot_values(events, goal, 12).axes if axes.get_visible()]
    assert titles == list(space.live)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda events, goal: plot_losses(events, goal, backend="bokeh"), "matplotlib, plotly, got 'bokeh'"),
        (lambda events, goal: plot_values(events, goal, 999), "got 999"),
        (lambda events, goal: plot_values(events, goal, 1), "no agent decided on segment 1"),
        (lambda events, goal: plot_settings([], goal), "without"),
    ],
)
def test_bad_arguments_get_one_clear_error(call, words, events, goal):
    with pytest.raises(StudyError, match=words):
        call(events, goal)


@pytest.mark.parametrize("backend", ["matplotlib", "plotly"])
def test_a_missing_extra_is_named(backend, events, goal, monkeypatch):
    for module in [name for name in sys.modules if name.partition(".")[0] == backend]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, backend, None)
    with pytest.raises(MissingExtraError, match=r"pip install 'trimtab\[plot\]'"):
        plot_losses(events, goal, backend=backend)
