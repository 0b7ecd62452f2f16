"""Recommendation, on VirtualTaobao's shoppers."""

from __future__ import annotations

import numpy as np
import pytest

from trimtab.datasets import find as find_data
from trimtab.datasets.fetching import is_here
from trimtab.errors import ControlError
from trimtab.seeds import generator
from trimtab.systems import SystemContract, find
from trimtab.systems.shop.rules import arms
from trimtab.systems.shop.shoppers import GROUPS, KNOBS, click_chances, draw_pages, draw_shoppers, expected_clicks

pytestmark = pytest.mark.skipif(
    not is_here(find_data("virtualtaobao")), reason="set TRIMTAB_DATA, or: trimtab data get virtualtaobao"
)


class TestShop(SystemContract):
    system = find("shop/taobao")


class TestArms(SystemContract):
    system = find("shop/taobao-arms")


def test_a_shopper_is_one_of_each_group_and_looks_at_a_page_at_least():
    rng = generator(0, "test")
    shoppers = draw_shoppers(50, rng)
    groups = np.split(shoppers, np.cumsum(GROUPS)[:-1], axis=1)
    assert all((group.sum(axis=1) == 1).all() for group in groups)
    pages = draw_pages(shoppers, rng)
    assert pages.min() >= 1
    assert pages.max() <= 100


def test_the_networks_are_those_of_torch():
    import torch
    from torch import nn

    from trimtab.datasets import fetch

    net = nn.Sequential(nn.Linear(116, 128), nn.LeakyReLU(), nn.Linear(128, 256), nn.LeakyReLU(), nn.Linear(256, 21))
    net.load_state_dict(torch.load(fetch("virtualtaobao") / "action_model.pt", weights_only=True))
    rng = generator(1, "test")
    shoppers, pages, weights = draw_shoppers(8, rng), np.arange(8), rng.uniform(-1, 1, (8, KNOBS))
    seen = torch.tensor(np.concatenate([shoppers, pages[:, None], weights], axis=1), dtype=torch.float32)
    wanted = net(seen)[:, :11].softmax(1).detach().numpy()
    assert np.allclose(click_chances(shoppers, pages, weights), wanted, atol=1e-4)


def test_what_is_popular_is_clicked_more_than_any_ranking():
    rng = generator(2, "test")
    shoppers, pages = draw_shoppers(300, rng), np.zeros(300)
    env = find("shop/taobao").make("test")
    env.reset(seed=0)
    best = find("shop/taobao").rules["popular"](env)(None)
    means = [expected_clicks(shoppers, pages, np.tile(one, (300, 1))).mean() for one in (best, *arms())]
    assert means[0] > 0.9 * max(means[1:])


def test_weights_out_of_their_range_are_refused():
    env = find("shop/taobao").make("train")
    env.reset(seed=0)
    with pytest.raises(ControlError, match="27 weights"):
        env.step(np.full(KNOBS, 2.0, dtype=np.float32))
