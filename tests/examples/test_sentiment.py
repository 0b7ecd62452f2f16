"""Film reviews: a small transformer learns what praises."""

import torch

from examples.sentiment import pilot, task
from tests.examples.contract import flown, needs, tried

pytestmark = needs("sentence_polarity")


def test_a_short_study_is_better_than_chance(tmp_path):
    assert tried(task, tmp_path, segments=4).evaluate_on_test()["accuracy"] > 0.55


def test_a_short_steered_run_is_better_than_chance():
    assert flown(pilot, epochs=1)["accuracy"] > 0.52


def test_padding_changes_nothing_for_other_sentences():
    model = task.build_model(task.DEFAULT).eval()
    words = torch.randint(2, task.WORDS, (1, task.LENGTH))
    words[:, 5:] = 0
    assert torch.allclose(model(words), model(torch.cat([words, words * 0]))[:1], atol=1e-6)


def test_every_sentence_is_in_one_part():
    parts = task.load_splits(1)
    assert [len(part) for part in parts] == [8000, 1200, 1462]
