"""Translation: subwords and back, no peeking ahead, and a short run that learns."""

import pytest
import torch

import trimtab as tt
from tests.examples.contract import needs

pytestmark = needs("multi30k")
pytest.importorskip("tokenizers")
pytest.importorskip("sacrebleu")
captions, model, task, pilot = (
    pytest.importorskip(f"examples.translation.{name}") for name in ("captions", "model", "task", "pilot")
)


def small():
    return model.Translator(32, 1, 0.0).eval()


def test_a_short_study_of_few_captions_learns(tmp_path):
    small_task = task.make_task(count=64, steps=5)
    study = tt.Study(small_task, task.SPACE, budget=tt.Budget(segments=2), store=tmp_path / "study.db", start=task.DEFAULT)
    before = small_task.measure(small_task.start(task.DEFAULT, seed=0)).metrics["loss"]
    assert study.run().best.metrics["loss"] < before


@pytest.mark.parametrize("steer", [True, False])
def test_a_short_run_is_judged_by_bleu(steer):
    metrics = pilot.fly(0, steer=steer, epochs=2, steps=2, count=40)
    assert set(metrics) == {"bleu", "chrf", "loss"}
    assert 0 <= metrics["bleu"] <= 100


def test_subwords_lead_back_to_the_caption():
    lines = captions.read("val", "en")[:5]
    assert captions.decode(captions.encode(lines)) == [line.lower() for line in lines]


def test_what_is_written_does_not_depend_on_what_comes_later():
    german, english = torch.randint(4, 4000, (2, 9)), torch.randint(4, 4000, (2, 7))
    changed = torch.cat([english[:, :4], torch.randint(4, 4000, (2, 3))], 1)
    net = small()
    assert torch.allclose(net(german, english)[:, :4], net(german, changed)[:, :4], atol=1e-5)


def test_padding_changes_neither_logits_nor_loss():
    german, english = torch.randint(4, 4000, (1, 6)), torch.randint(4, 4000, (1, 5))
    net, longer = small(), torch.randint(4, 4000, (1, 9))
    alone = net(german, english)
    padded = net(torch.cat([torch.nn.functional.pad(german, (0, 3)), longer]), torch.cat([english, english]))
    assert torch.allclose(alone, padded[:1], atol=1e-5)
    target = torch.randint(4, 4000, (1, 5))
    extended = torch.nn.functional.pad(target, (0, 2))
    assert model.token_loss(alone, extended).item() == pytest.approx(model.token_loss(alone, target).item())


def test_sentences_end():
    written = model.translate(small(), captions.encode(["ein mann"]))
    assert written.shape[1] < captions.LENGTH


def test_the_inverse_square_root_rises_to_its_peak_and_falls():
    rates = [pilot.inverse_square_root(share) for share in (0.05, 0.1, 0.4)]
    assert rates == pytest.approx([0.5, 1.0, 0.5])
