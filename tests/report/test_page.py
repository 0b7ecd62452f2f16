from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
import time
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from trimtab.report import Baseline, fragment, render, tell
from trimtab.space import Settings
from trimtab.store.records import (
    BranchEnded,
    ForkRequested,
    SegmentFailed,
    SegmentFinished,
    SettingFixed,
    StudyCreated,
    StudyFinished,
)

VOID = {"meta", "br", "hr", "img", "input", "link", "circle", "path"}
ATTACKS = (
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'onmouseover='alert(1)",
    "<!--<script>",
    "]]><svg onload=alert(1)>",
    "{{ 7*7 }}{% raw %}",
    "\u2028\u2029\u202e\x00",
    "javascript:alert(1)",
    "&lt;b&gt;",
)


class Page(HTMLParser):
    """Collects elements, attributes, text and the embedded data; complains about what is not well-formed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.words, self.data = [], [], [], [], ""
        self.feed(text)
        self.close()
        assert self.open == [], f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append((tag, dict(attrs)))

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        assert self.open, f"</{tag}> without a beginning"
        assert self.open[-1][0] == tag, f"</{tag}> inside <{self.open[-1][0]}>"
        self.open.pop()

    def handle_data(self, data):
        if self.open and self.open[-1][1].get("id") == "data":
            self.data += data
        elif not self.open or self.open[-1][0] not in ("script", "style"):
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())

    @property
    def records(self):
        return json.loads(self.data)


@pytest.fixture(scope="module")
def page(events, goal):
    rows = [Baseline("random search", 0.31, 0.33, 60, 12.5), Baseline("trimtab", 0.21, None, 60, 13.0)]
    return render(events, goal, title="Digits", baselines=rows)


def test_the_page_is_well_formed(page):
    parsed = Page(page)
    assert parsed.tags[0] == "html"
    assert parsed.tags.count("h1") == 1
    ids = [value for _, name, value in parsed.attributes if name == "id"]
    assert len(ids) == len(set(ids))


def test_the_page_holds_every_segment_and_every_decision(page, events):
    records = Page(page).records
    nodes = [event.node for event in events if isinstance(event, SegmentFinished)]
    assert [segment["id"] for segment in records["segments"]] == [node.id for node in nodes]
    for segment, node in zip(records["segments"], nodes, strict=True):
        choice = node.job.choice
        if not choice.heads:
            assert "team" not in segment
            continue
        names, figures = segment["features"]
        assert records["features"][names] == [name for name, _ in choice.features]
        assert floats(figures) == pytest.approx([value for _, value in choice.features], rel=0.01)
        team = [(head["name"], head["agent"], tuple(head["moves"])) for head in records["teams"][segment["team"]]]
        assert team == [(head.name, head.agent, head.moves) for head in choice.heads]
        assert segment["chosen"] == [head.chosen for head in choice.heads]
        assert segment.get("explored", []) == [place for place, head in enumerate(choice.heads) if head.explored]
        assert floats(segment["values"]) == pytest.approx([value for head in choice.heads for value in head.values], rel=0.01)
        assert floats(segment["spreads"]) == pytest.approx([value for head in choice.heads for value in head.spreads], rel=0.1)


def floats(row):
    return [float(word) for word in row.split(" ")]


def test_every_segment_of_a_small_study_is_a_dot_of_the_tree_that_can_be_reached_by_keyboard(page, events):
    parsed = Page(page)
    dots = [int(value) for _, name, value in parsed.attributes if name == "data-id"]
    assert sorted(dots) == sorted(event.node.id for event in events if isinstance(event, SegmentFinished))
    assert sum(name == "tabindex" and value == "0" for _, name, value in parsed.attributes) == 1


def test_the_page_needs_nothing_but_itself(page):
    parsed = Page(page)
    for tag, name, value in parsed.attributes:
        assert name not in ("src", "srcset", "action", "formaction", "data", "background", "poster"), (tag, name)
        assert name not in ("href", "xlink:href") or value.startswith("#"), (tag, name, value)
        assert not name.startswith("on"), (tag, name)
    assert not {"link", "iframe", "object", "embed", "base", "img"} & set(parsed.tags)
    assert not re.search(r"https?:|//[a-z]|@import|url\(|\beval\b|new Function|innerHTML|fetch\(|XMLHttpRequest", page)
    assert "default-src 'none'" in page


def test_what_people_read_is_there(page):
    text = Page(page).text
    for words in ("Digits", "The tree of segments", "Training loss", "Validation loss", "Settings over time", "Every decision"):
        assert words in text
    for words in ("random search", "0.310", "predicted to end at 1.9", "expected 64 columns, got 63", "fixed it at yes"):
        assert words in text


def test_charts_are_described_for_those_who_cannot_see_them(page):
    labels = [value for _, name, value in Page(page).attributes if name == "aria-label"]
    assert any(label.startswith("lr along the best path: ") for label in labels)
    assert any(label.startswith("Validation loss of ") for label in labels)


@pytest.mark.parametrize("attack", ATTACKS)
def test_text_of_users_stays_text(attack, events, goal):
    created = StudyCreated({"agent": attack, "budget": {attack: 3, "segments": 4}}, attack, attack)
    evil = [created]
    for event in events[1:]:
        if isinstance(event, SegmentFinished):
            job = event.node.job
            heads = tuple(
                replace(head, name=attack, agent=attack, moves=(attack,) * len(head.moves)) for head in job.choice.heads
            )
            choice = replace(job.choice, reason=attack, heads=heads, features=((attack, 1.0),))
            settings = Settings({**job.settings, attack: attack})
            event = SegmentFinished(replace(event.node, job=replace(job, settings=settings, choice=choice)))
        if isinstance(event, SegmentFailed | BranchEnded | SettingFixed | StudyFinished):
            name = {SegmentFailed: "message", SettingFixed: "name"}.get(type(event), "reason")
            event = replace(event, **{name: attack})
        evil.append(event)
    text = render(evil, goal, title=attack, baselines=[(attack, 0.1, 0.1, 1, 1.0)])
    parsed, plain = Page(text), Page(render(events, goal, title="x", baselines=[("x", 0.1, 0.1, 1, 1.0)]))
    assert set(parsed.tags) == set(plain.tags)
    assert parsed.tags.count("script") == plain.tags.count("script") == 2
    assert not any(name.startswith("on") for _, name, _ in parsed.attributes)
    assert "<" not in parsed.data
    assert parsed.records["segments"][0]["settings"][-1] == attack
    assert parsed.tags.count("img") == 0
    Page(f"<div>{fragment(evil, goal)}</div>")
    assert "<script" not in fragment(evil, goal)


def test_an_empty_study_has_a_page(goal):
    parsed = Page(render([], goal, title="Nothing yet"))
    assert "No segment has come to a finite result yet" in parsed.text
    assert parsed.records["segments"] == []


def test_a_study_of_divergences_only_has_a_page(events, goal):
    lost = [event for event in events if isinstance(event, SegmentFinished) and event.node.after.status == "diverged"]
    root = replace(lost[0].node, job=replace(lost[0].node.job, parent=None))
    parsed = Page(render([events[0], SegmentFinished(root)], goal, title="Lost"))
    assert "No segment has come to a finite result yet" in parsed.text
    assert parsed.records["best"] is None


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e308, 0.0, -1.0])
def test_figures_that_are_no_numbers_do_not_break_the_page(value, events, goal):
    broken = []
    for event in events:
        if isinstance(event, SegmentFinished):
            after = replace(event.node.after, metrics={"loss": value, "other": value}, train_loss=value, seconds=value)
            choice = replace(event.node.job.choice, features=(("progress", value),), predicted=(value, value))
            node = replace(event.node, after=after, error=goal.error(after.metrics), reward=value)
            event = SegmentFinished(replace(node, job=replace(node.job, choice=choice)))
        broken.append(event)
    parsed = Page(render(broken, goal, title="Broken"))
    assert len(parsed.records["segments"]) == sum(isinstance(event, SegmentFinished) for event in broken)
    assert not re.search(
        r"\b(nan|inf)\b", " ".join(v or "" for _, n, v in parsed.attributes if n in ("d", "style", "cx", "transform"))
    )


def test_a_study_that_goes_on_says_so(events, goal):
    assert "not finished" in Page(render(events[:12], goal, title="Half way")).text


def test_ten_thousand_segments_still_open(large_events, goal):
    begun = time.process_time()
    text = render(large_events, goal, title="Large")
    assert time.process_time() - begun < 5
    assert len(text.encode()) < 15e6
    data = text[text.index('id="data">') + len('id="data">') : text.rindex("</script>\n<script>")]
    assert len(json.loads(data)["segments"]) == 10_000
    assert text.count("<") < 20_000
    assert "more segments" in text


def test_the_fragment_for_a_notebook_is_small_and_has_no_script(events, goal):
    text = fragment(events, goal)
    parsed = Page(f"<div>{text}</div>")
    assert "script" not in parsed.tags
    assert len(text) < 30_000
    assert "validation loss" in parsed.text
    assert "batch_size" in parsed.text
    assert "No segment came" in fragment([], goal)


def test_a_user_fork_is_told(page, events):
    assert any(isinstance(event, ForkRequested) for event in events)
    assert "asked for a fork" in Page(page).text


@pytest.fixture(scope="module")
def chromium():
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("needs a Chromium browser on the path")
    return path


def opened(chromium, folder, text):
    """Return the document as a browser has it after running the page's script, cut off from the network."""
    (folder / "page.html").write_text(text, encoding="utf-8")
    flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    command = [chromium, *flags.split(), "--disable-component-update", "--disable-sync", "--proxy-server=127.0.0.1:9"]
    command += [f"--user-data-dir={folder / 'profile'}", "--dump-dom", (folder / "page.html").as_uri()]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


def test_the_script_of_the_page_unfolds_the_decisions(chromium, tmp_path, events, goal):
    attack = "<img src=x onerror=\"document.body.dataset.owned='1'\">"
    evil = [
        replace(
            event, node=replace(event.node, job=replace(event.node.job, choice=replace(event.node.job.choice, reason=attack)))
        )
        if isinstance(event, SegmentFinished)
        else event
        for event in events
    ]
    document = opened(chromium, tmp_path, render(evil, goal, title=attack))
    best_path = tell(events, goal).best_path
    assert document.count("<details") == len(best_path)
    assert document.count('class="head"') == len(best_path[-1].node.job.choice.heads)
    assert 'aria-pressed="true"' in document
    assert "data-owned" not in document
    assert "<img" not in document
