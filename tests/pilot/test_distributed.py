"""Ranks of one training: the first decides, all apply."""

from __future__ import annotations

import os
import socket
from multiprocessing.queues import Queue
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

import trimtab as tt

RANKS = 2


def fly(rank: int, port: int, told: Queue[Any]) -> None:
    """Train with the others and tell by what rates, and to which weights."""
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    torch.set_num_threads(1)
    dist.init_process_group("gloo", rank=rank, world_size=RANKS)
    try:
        torch.manual_seed(0)
        model = DistributedDataParallel(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1)))
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5 * (rank + 1))
        pilot = tt.Pilot(optimizer, horizon=4)
        data = torch.Generator().manual_seed(rank)
        rates: list[float] = []
        for _ in range(4):
            for _ in range(6):
                x = torch.randn(16, 4, generator=data)
                loss = (model(x) - x[:, :1] * x[:, 1:2]).square().mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            # each rank sees another loss
            pilot.step(train_loss=loss, validation_loss=loss * (1 + rank))
            rates += pilot.get_last_lr()
        told.put((rank, rates, [float(weight.detach().double().sum()) for weight in model.parameters()]))
    finally:
        dist.destroy_process_group()


@pytest.mark.slow
def test_all_ranks_follow_the_first() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = torch.multiprocessing.get_context("spawn")
    told = context.Queue()
    ranks = [context.Process(target=fly, args=(rank, port, told)) for rank in range(RANKS)]
    for process in ranks:
        process.start()
    found = sorted(told.get(timeout=120) for _ in ranks)
    for process in ranks:
        process.join(timeout=60)
        assert process.exitcode == 0
    (_, first_rates, first_weights), (_, second_rates, second_weights) = found
    assert second_rates == first_rates
    assert second_weights == first_weights
