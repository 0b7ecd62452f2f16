import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.errors import StoreError
from trimtab.store import wanted
from trimtab.store.contract import example_node


@st.composite
def trees(draw):
    nodes = []
    for number in range(1, draw(st.integers(1, 25)) + 1):
        # a diverged node has no checkpoint, and nothing continues it
        parents = [node.id for node in nodes if node.checkpoint is not None]
        parent = draw(st.none() | st.sampled_from(parents)) if parents else None
        digest = draw(st.none() | st.just(f"{number:064x}"))
        error = draw(st.floats(-5, 5)) if digest else float("inf")
        nodes.append(example_node(number, parent=parent, checkpoint=digest, error=error))
    return nodes


def path_to(node, by_id):
    while node is not None:
        yield node
        node = by_id.get(node.job.parent)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(trees(), st.data(), st.integers(1, 5))
def test_what_can_still_be_wanted_is_never_let_go(nodes, data, top):
    by_id = {node.id: node for node in nodes}
    open_nodes = data.draw(st.sets(st.sampled_from(sorted(by_id))))
    kept = wanted(nodes, open_nodes=open_nodes, top=top)
    everything = {node.checkpoint for node in nodes if node.checkpoint is not None}
    assert kept <= everything == wanted(nodes, open_nodes=(), keep="all")
    saved = [node for node in nodes if node.checkpoint is not None]
    must = [by_id[number] for number in open_nodes]
    must += [node for node in nodes if node.job.parent is None]
    for node in saved:
        better = sum(other.error < node.error for other in saved)
        # ties at the top may be broken either way: only what is better than all but a few must stay
        if sum(other.error <= node.error for other in saved) <= top:
            must.append(node)
        if better == 0 and sum(other.error == node.error for other in saved) == 1:
            must += path_to(node, by_id)
    assert {node.checkpoint for node in must if node.checkpoint is not None} <= kept


def test_what_nobody_wants_is_let_go():
    a, b, c, d = (f"{number:064x}" for number in range(1, 5))
    nodes = [
        example_node(1, checkpoint=a, error=3.0),
        example_node(2, parent=1, checkpoint=b, error=1.0),
        example_node(3, parent=1, checkpoint=c, error=2.0),
        example_node(4, parent=3, checkpoint=d, error=2.5),
    ]
    assert wanted(nodes, open_nodes=(), top=1) == {a, b}
    assert wanted(nodes, open_nodes=(), top=2) == {a, b, c}
    assert wanted(nodes, open_nodes=(4,), top=1) == {a, b, d}


def test_the_path_to_the_best_stays_however_bad_it_was_on_the_way():
    digests = [f"{number:064x}" for number in range(1, 7)]
    nodes = [
        example_node(number, parent=number - 1 or None, checkpoint=digest, error=error)
        for number, (digest, error) in enumerate(zip(digests, [5.0, 9.0, 8.0, 1.0, 2.0, 3.0], strict=True), start=1)
    ]
    assert wanted(nodes, open_nodes=(), top=1) == set(digests[:4])


def test_arguments_that_cannot_be_are_named():
    with pytest.raises(StoreError, match="keep: expected 'all' or 'wanted', got 'some'"):
        wanted([], open_nodes=(), keep="some")
    with pytest.raises(StoreError, match="top: expected"):
        wanted([], open_nodes=(), top=0)
