"""An encoder-decoder transformer, and the sentences that it writes. Vaswani et al. 2017."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from examples.translation.captions import END, LENGTH, PADDING, START, SUBWORDS

HEADS = 4


class Translator(nn.Module):
    """Logits of the next English subword at each place, (n, places, 4000), from German and the English before it."""

    def __init__(self, width: int, depth: int, dropout: float) -> None:
        super().__init__()
        self.subwords = nn.Embedding(SUBWORDS, width, padding_idx=PADDING)
        self.places = nn.Embedding(LENGTH, width)
        for table in (self.subwords, self.places):
            nn.init.normal_(table.weight, std=width**-0.5)
        self.dropout = nn.Dropout(dropout)
        layer = {"d_model": width, "nhead": HEADS, "dim_feedforward": 2 * width, "dropout": dropout}
        options = {"batch_first": True, "norm_first": True}
        encoder, decoder = nn.TransformerEncoderLayer(**layer, **options), nn.TransformerDecoderLayer(**layer, **options)
        self.encoder = nn.TransformerEncoder(encoder, depth, nn.LayerNorm(width), enable_nested_tensor=False)
        self.decoder = nn.TransformerDecoder(decoder, depth, nn.LayerNorm(width))

    def forward(self, german: Tensor, english: Tensor) -> Tensor:
        return self.decode(*self.encode(trimmed(german)), trimmed(english))

    def encode(self, german: Tensor) -> tuple[Tensor, Tensor]:
        """Return what is understood of ``german``, (n, places, width), and where nothing stands."""
        absent = german == PADDING
        return self.encoder(self._seen(german), src_key_padding_mask=absent), absent

    def decode(self, understood: Tensor, absent: Tensor, english: Tensor) -> Tensor:
        """Return logits of the subword after each of ``english``."""
        later = torch.ones(english.shape[1], english.shape[1], dtype=torch.bool, device=english.device).triu(1)
        written = self.decoder(
            self._seen(english), understood, tgt_mask=later, memory_key_padding_mask=absent, tgt_is_causal=True
        )
        # what a subword looks like coming in is what it looks like going out. Press & Wolf 2017
        return written @ self.subwords.weight.T

    def _seen(self, numbers: Tensor) -> Tensor:
        root = self.subwords.embedding_dim**0.5
        return self.dropout(root * (self.subwords(numbers) + self.places.weight[: numbers.shape[1]]))


def token_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Return the mean cross-entropy of the subwords that are there."""
    there = target[:, : logits.shape[1]]
    return cross_entropy(logits.flatten(0, 1), there.flatten(), ignore_index=PADDING)


def trimmed(rows: Tensor) -> Tensor:
    """Return ``rows`` without the places where nothing stands in any of them."""
    return rows[:, : int((rows != PADDING).any(0).sum())]


@torch.no_grad()
def translate(model: Translator, german: Tensor, batch_size: int = 250) -> Tensor:
    """Return English subwords, (n, up to 28), the likeliest one after the other until all have ended."""
    model.eval()
    parts = [_written(model, part) for part in german.split(batch_size)]
    longest = max(part.shape[1] for part in parts)
    return torch.cat([nn.functional.pad(part, (0, longest - part.shape[1]), value=END) for part in parts])


def _written(model: Translator, german: Tensor) -> Tensor:
    understood, absent = model.encode(german)
    english = torch.full((len(german), 1), START)
    ended = torch.zeros(len(german), dtype=torch.bool)
    while english.shape[1] < LENGTH and not ended.all():
        following = model.decode(understood, absent, english)[:, -1].argmax(1)
        english = torch.cat([english, torch.where(ended, END, following)[:, None]], 1)
        ended |= following == END
    return english[:, 1:]
