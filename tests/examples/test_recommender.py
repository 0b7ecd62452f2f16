"""Recommendations: the three models, and figures of ranks against those of scikit-learn."""

from itertools import islice

import numpy as np
import pytest
import torch
from sklearn.metrics import ndcg_score

pytest.importorskip("pandas")
pytest.importorskip("river")

from examples.recommender import case_study, pilot, ratings, task, weeks
from tests.examples.contract import flown, needs, tried

pytestmark = needs("movielens100k")


def test_a_short_study_recommends_better_than_chance(tmp_path):
    assert tried(task, tmp_path, segments=1).evaluate_on_test()["recall"] > 0.02


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
    seen = train.tensors[1][train.tensors[0][:, 0] == person].tolist()
    assert not {0, *seen} & set(scores[0].topk(10).indices.tolist())


def test_the_film_of_the_validation_is_not_shown_again_when_the_test_is_read():
    built = task.build_model({**task.DEFAULT, "model": "factors"}).eval()
    _, _, test = task.load_splits()
    with torch.no_grad():
        built.bias[test.tensors[0][0, -1]] = 1e3  # everyone would be shown it
        assert built(test.tensors[0])[0].argmax() != test.tensors[0][0, -1]


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


def test_the_second_in_which_films_were_rated_does_not_tell_their_order():
    everything = ratings.watched()
    history = everything.before[:, -1]
    ascending = (everything.film > history)[history > 0].float().mean()
    assert 0.45 < float(ascending) < 0.55


class Recorder:
    """A learner that notes what is asked of it."""

    def __init__(self):
        self.steps, self.asked = 0, []

    def scores(self, rows):
        self.asked.append(("scores", len(rows)))
        return torch.zeros(len(rows), 1683)

    def learn(self, week):
        self.asked.append(("learn", len(week.films)))


def test_each_week_is_predicted_before_it_is_learned_from():
    recorder = Recorder()
    judged = weeks.follow({"recorder": recorder}, most=2)["recorder"]
    assert [week.count for week in judged] == [5162, 2909]
    assert sum(count for what, count in recorder.asked if what == "scores") == 5162 + 2909
    learned = [number for number, (what, _) in enumerate(recorder.asked) if what == "learn"]
    assert learned == [6, 10]


def test_what_a_person_saw_before_and_nothing_else_is_left_out_of_a_week():
    everything, seen = ratings.watched(), 0
    for week in islice(weeks.weeks(), 3):
        assert not week.seen[torch.arange(len(week.films)), week.films].any()
        chosen = torch.arange(seen, seen + len(week.films))
        before = everything.user.bincount()[everything.user[chosen]] - everything.place[chosen] - 1
        assert (week.seen.sum(1) == before + 1).all()  # and the film 0
        seen += len(week.films)


def test_a_learner_that_is_carried_on_keeps_the_latest_ratings_and_no_more():
    learner = weeks.Carried(0, steer=True, memory=100)
    judged = weeks.follow({"carried": learner, "popular": weeks.Popular()}, most=2)
    assert torch.equal(learner.films, ratings.watched().film[5162 + 2909 - 100 : 5162 + 2909])
    assert judged["carried"][1].ndcg > judged["carried"][0].ndcg


@pytest.mark.slow
def test_the_case_study_takes_its_steps(tmp_path, capsys):
    case_study.problem_space()
    alone = case_study.reward(0, segments=1)
    results = case_study.decisions(0, tmp_path, segments=1)
    case_study.training_and_evaluation(results, alone, 0, segments=1)
    case_study.going_on(0, most=2)
    told = capsys.readouterr().out
    assert [number for number in "12456" if f"\n{number}. " in told] == [*"12456"]
    assert all(agent in told for agent in ("q-learning", "sarsa", "dqn"))
