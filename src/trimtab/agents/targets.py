"""The arithmetic of temporal differences as pure functions of arrays. Time is in the names: ``q_tm1`` is a value at the earlier
observation, ``r_t``, ``discount_t`` and ``q_t`` belong to the step that follows it.

``discount_t`` is γ, or 0 where the process terminated. Sources: Sutton & Barto 2018, chapters 6 and 7.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def td_error(q_tm1: float, r_t: float, discount_t: float, v_t: float) -> float:
    """Return δ = r + γ v' − q, the temporal-difference error.

    >>> td_error(q_tm1=2.0, r_t=1.0, discount_t=0.5, v_t=4.0)
    1.0
    """
    return r_t + discount_t * v_t - q_tm1


def q_learning(q_tm1: float, r_t: float, discount_t: float, q_t: np.ndarray) -> float:
    """Return δ = r + γ max_a Q(s', a) − Q(s, a). Sutton & Barto, eq. 6.8."""
    return td_error(q_tm1, r_t, discount_t, float(q_t[q_t.argmax()]))


def sarsa(q_tm1: float, r_t: float, discount_t: float, q_t: np.ndarray, a_t: int) -> float:
    """Return δ = r + γ Q(s', a') − Q(s, a), where ``a_t`` is the move taken next. Sutton & Barto, eq. 6.7."""
    return td_error(q_tm1, r_t, discount_t, float(q_t[a_t]))


def step_size(alpha: float, visits: int, power: float) -> float:
    """Return α / nᵖ for the n-th update of a value: constant for p = 0. Even-Dar & Mansour 2003, polynomial learning rate.

    >>> step_size(0.5, visits=4, power=0.5)
    0.25
    """
    return alpha / visits**power if power else alpha


def n_step_return(rewards: Sequence[float], gamma: float) -> float:
    """Return Σ_k γᵏ r_k. Sutton & Barto, eq. 7.1 without its bootstrap.

    >>> n_step_return([1.0, 2.0, 4.0], gamma=0.5)
    3.0
    """
    total = 0.0
    for r_t in reversed(rewards):
        total = r_t + gamma * total
    return total


def discount_sum(steps: int, gamma: float) -> float:
    """Return Σ_{k<steps} γᵏ: by how much an n-step return grows when every reward grows by one.

    >>> discount_sum(3, gamma=0.5)
    1.75
    """
    return n_step_return([1.0] * steps, gamma)
