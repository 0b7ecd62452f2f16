"""Transitions as arrays and back: what an agent still holds when it is encoded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from trimtab.agents.protocol import Masks, Transition


def pack_transitions(
    name: str, transitions: Sequence[Transition], features: int, heads: tuple[int, ...]
) -> dict[str, np.ndarray]:
    """Return ``transitions`` as arrays under ``name``; of two masks an all-True one and none are the same."""
    n = len(transitions)
    width = sum(heads)

    def flat(masks: Masks | None) -> np.ndarray:
        return np.ones(width, dtype=bool) if masks is None else np.concatenate(list(masks))

    columns = {
        "observation": np.array([t.observation for t in transitions], dtype=np.float32).reshape(n, features),
        "next_observation": np.array([t.next_observation for t in transitions], dtype=np.float32).reshape(n, features),
        "action": np.array([t.action for t in transitions], dtype=np.int64).reshape(n, len(heads)),
        "reward": np.array([t.reward for t in transitions], dtype=np.float64),
        "ended": np.array([(t.terminated, t.truncated) for t in transitions], dtype=bool).reshape(n, 2),
        "stream": np.array([t.stream for t in transitions], dtype=np.int64),
        "masks": np.array([flat(t.masks) for t in transitions], dtype=bool).reshape(n, width),
        "next_masks": np.array([flat(t.next_masks) for t in transitions], dtype=bool).reshape(n, width),
    }
    return {f"{name}.{column}": array for column, array in columns.items()}


def unpack_transitions(name: str, arrays: Mapping[str, np.ndarray], heads: tuple[int, ...]) -> list[Transition]:
    """Return the transitions that ``pack_transitions`` was given."""
    stored = {key.removeprefix(f"{name}."): array for key, array in arrays.items() if key.startswith(f"{name}.")}
    edges = np.cumsum(heads)[:-1]
    return [
        Transition(
            observation=stored["observation"][index],
            action=tuple(stored["action"][index].tolist()),
            reward=float(stored["reward"][index]),
            next_observation=stored["next_observation"][index],
            terminated=bool(stored["ended"][index, 0]),
            truncated=bool(stored["ended"][index, 1]),
            next_masks=_split(stored["next_masks"][index], edges),
            stream=int(stored["stream"][index]),
            masks=_split(stored["masks"][index], edges),
        )
        for index in range(len(stored["reward"]))
    ]


def _split(flat: np.ndarray, edges: np.ndarray) -> Masks | None:
    return None if flat.all() else np.split(flat, edges)
