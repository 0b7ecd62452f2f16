"""Recommendations: the three models, and figures of ranks against those of scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.metrics import ndcg_score

from tests.examples.contract import flown, needs, tried

pytestmark = needs("movielens100k")
pilot, task, ratings = (pytest.importorskip(f"examples.recommender.{name}") for name in ("pilot", "task", "ratings"))


def test_a_short_study_recommends_better_than_chance(tmp_path):
    assert tried(task, tmp_path, segments=2).evaluate_on_test()["recall"] > 0.02


def test_a_short_steered_run_recommends_better_than_chance():
    assert flown(pilot, epochs=1)["recall"] > 0.02


@pytest.mark.parametrize("model", ["factors", "two towers", "sequence"])
@pytest.mark.parametrize("informed", [False, True])
def test_each_model_scores_all_films_and_none_that_was_seen(model, informed):
    built = task.build_model({**task.DEFAULT, "model": model, "informed": informed}).eval()
    train, validation, _ = task.load_splits()
    scores = built(validation.tensors[0])
    assert scores.shape == (943, 1683)
    person = int(validation.tensors[0][0, 0])
    seen = train.tensors[1][train.tensors[0][:, 0] == person].unique()
    assert scores[0].topk(10).indices.tolist() == [film for film in scores[0].topk(10).indices.tolist() if film not in seen]


def test_ndcg_is_that_of_scikit_learn():
    scores = torch.randn(40, 50, generator=torch.Generator().manual_seed(0))
    targets = torch.randint(50, (40,), generator=torch.Generator().manual_seed(1))
    relevant = np.eye(50)[targets.numpy()]
    assert float(task.ndcg(scores, targets).mean()) == pytest.approx(ndcg_score(relevant, scores.numpy(), k=10), rel=1e-6)


def test_figures_of_hand_made_ranks():
    scores = torch.arange(20.0, 0.0, -1.0)[None].repeat(3, 1)
    targets = torch.tensor([0, 2, 10])
    assert task.rank(scores, targets).tolist() == [1, 3, 11]
    assert task.ndcg(scores, targets).tolist() == pytest.approx([1.0, 0.5, 0.0])
    assert task.recall(scores, targets).tolist() == [1.0, 1.0, 0.0]
    assert task.rank(torch.zeros(1, 21), torch.tensor([0])).tolist() == [11]


def test_history_is_what_came_before_and_the_last_two_are_held_out():
    train, validation, test = task.load_splits()
    assert [len(part) for part in (train, validation, test)] == [98_114, 943, 943]
    by_person = {int(row[0]): (row, int(film)) for row, film in zip(*test.tensors, strict=True)}
    for row, film in zip(*validation.tensors, strict=True):
        assert int(by_person[int(row[0])][0][-1]) == int(film)
