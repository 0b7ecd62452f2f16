"""A Gaussian belief about the weights of a linear model, which observations make sharper (Bishop 2006, section 3.3)."""

from __future__ import annotations

import numpy as np


class Belief:
    """N(mean, covariance) over weights of shape (d,); a value is features (n, d) times weights, plus noise."""

    def __init__(self, mean: np.ndarray, covariance: np.ndarray) -> None:
        self._precision = np.linalg.inv(covariance)
        self._shift = self._precision @ mean
        self._settled: tuple[np.ndarray, np.ndarray] | None = None

    def observe(self, features: np.ndarray, values: np.ndarray, variances: np.ndarray) -> None:
        """Take in ``values`` (n,) seen at ``features`` (n, d) with noise of ``variances`` (n,)."""
        weighted = features / variances[:, None]
        self._precision = self._precision + features.T @ weighted
        self._shift = self._shift + weighted.T @ values
        self._settled = None

    @property
    def mean(self) -> np.ndarray:
        """The expected weights, (d,)."""
        return self._solve()[0]

    @property
    def covariance(self) -> np.ndarray:
        """The covariance of the weights, (d, d)."""
        return np.linalg.inv(self._precision)

    def draw(self, rng: np.random.Generator, temperature: float = 1.0) -> np.ndarray:
        """Return weights drawn from the belief with its deviations times ``temperature``, (d,)."""
        mean, root = self._solve()
        return mean + temperature * (root @ rng.standard_normal(len(mean)))

    def deviations(self, features: np.ndarray) -> np.ndarray:
        """Return the standard deviation of the value at each of ``features`` (n, d), without noise, (n,)."""
        return np.sqrt(((features @ self._solve()[1]) ** 2).sum(1))

    def _solve(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean, and a root of the covariance: with precision = L Lᵀ that is L⁻ᵀ."""
        if self._settled is None:
            root = np.linalg.inv(np.linalg.cholesky(self._precision)).T
            self._settled = root @ (root.T @ self._shift), root
        return self._settled
