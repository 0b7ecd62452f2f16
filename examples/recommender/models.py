"""Three ways to score all films for a person: by factors, by two towers, by what was watched last."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from examples.recommender.ratings import FILMS, USERS, features

SEEN = -1e4
"""The score of a film that was seen before and is not to be shown again: finite, so that no loss is infinite."""


class Scorer(nn.Module):
    """Scores of all films (n, 1683): the product of what ``taste`` returns, (n, width), with the films, and a bias."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.films, self.bias = nn.Embedding(FILMS, width, padding_idx=0), nn.Parameter(torch.zeros(FILMS))
        nn.init.normal_(self.films.weight, std=width**-0.5)
        self.dropout = nn.Dropout(dropout)
        self.register_buffer("seen", torch.zeros(USERS, FILMS, dtype=torch.bool), persistent=False)

    def leave_out(self, user: Tensor, film: Tensor) -> None:
        """From now on do not show these people these films; nor, to anyone, the film 0, which is none."""
        self.seen[user, film] = True
        self.seen[:, 0] = True

    def taste(self, user: Tensor, history: Tensor) -> Tensor:
        raise NotImplementedError

    def catalogue(self) -> Tensor:
        """Return the films, (1683, width)."""
        return self.films.weight

    def forward(self, rows: Tensor) -> Tensor:
        user, history = rows[:, 0], rows[:, 1:]
        scores = self.dropout(self.taste(user, history)) @ self.catalogue().T + self.bias
        if self.training:
            return scores
        # the history holds what has been seen since training, such as the film of the validation when the test is read
        return scores.masked_fill(self.seen[user].scatter(1, history, True), SEEN)


class Factors(Scorer):
    """Matrix factorisation: a person is a row of numbers. Koren et al. 2009."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__(width, dropout)
        self.people = nn.Embedding(USERS, width)
        nn.init.normal_(self.people.weight, std=0.1)

    def taste(self, user: Tensor, history: Tensor) -> Tensor:
        del history
        return self.people(user)


class TwoTowers(Scorer):
    """A tower for people (who they are, the mean of what they watched), one for films. Covington et al. 2016."""

    def __init__(self, width: int, dropout: float, *, informed: bool) -> None:
        super().__init__(width, dropout)
        people, films = features()
        self.informed = informed
        self.register_buffer("people", people, persistent=False)
        self.register_buffer("kinds", films, persistent=False)
        self.user_tower = nn.Sequential(
            nn.Linear(width + people.shape[1] * informed, width), nn.ReLU(), nn.Linear(width, width)
        )
        self.film_tower = nn.Linear(width + films.shape[1] * informed, width)

    def taste(self, user: Tensor, history: Tensor) -> Tensor:
        count = (history > 0).sum(1, keepdim=True).clamp_min(1)
        mean = self.films(history).sum(1) / count
        return self.user_tower(torch.cat([mean, self.people[user]], 1) if self.informed else mean)

    def catalogue(self) -> Tensor:
        films = self.films.weight
        return self.film_tower(torch.cat([films, self.kinds], 1) if self.informed else films)


class Sequence(Scorer):
    """A recurrent net over the last films, the latest last. Hidasi et al. 2016."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__(width, dropout)
        self.memory = nn.GRU(width, width, batch_first=True)

    def taste(self, user: Tensor, history: Tensor) -> Tensor:
        del user
        return self.memory(self.dropout(self.films(history)))[0][:, -1]
