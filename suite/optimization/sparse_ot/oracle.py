"""The dual and the semi-dual as counted oracles of minimisation.

A solver sees a batch of problems that it may evaluate and thin out (`lbfgs.Oracle`). Every
evaluation of one problem adds one to its entry of `calls`, wherever in the batch it then stands.

    calls = torch.zeros(B, dtype=torch.long)
    oracle = SemiDual(a, b, C, k, gamma, calls)
    value, gradient = oracle(alpha)            # -S and -dS/dalpha; calls is now 1 everywhere
    few = oracle.select(index)                 # problems `index` of this batch
    few(alpha[index])                          # calls[index] is now 2
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor

from claimbench.errors import ClaimFileError

from .method import Evaluation, dual, semi_dual


@dataclass(frozen=True)
class TransportOracle:
    """What the dual and the semi-dual of B transport problems share.

    Parameters
    ----------
    a, b, C
        (B, m), (B, n), (B, m, n): marginals and cost, as in `method`.
    k, gamma
        One for all problems, or one per problem.
    calls
        (N,) long, raised in place at every evaluation.
    index
        (B,) long, the entry of `calls` that belongs to each problem; default 0..B-1.
    """

    a: Tensor
    b: Tensor
    C: Tensor
    k: int | Tensor
    gamma: float | Tensor
    calls: Tensor
    index: Tensor | None = None

    def __post_init__(self):
        if self.index is not None:  # a selection of problems that were checked before
            return
        if bool((torch.as_tensor(self.k) < 1).any()):
            raise ClaimFileError(
                "a column needs room for one nonzero",
                value=f"k = {self.k}",
                allowed="k >= 1 (k >= m is quadratic transport)",
                cure="edit k in suite/optimization/sparse_ot/claim.toml",
            )
        if not bool((torch.as_tensor(self.gamma) > 0).all()):
            raise ClaimFileError(
                "the weight of the regulariser must be positive",
                value=f"gamma = {self.gamma}",
                allowed="gamma > 0",
                cure="edit gamma in suite/optimization/sparse_ot/claim.toml",
            )
        object.__setattr__(self, "index", torch.arange(len(self.a), device=self.a.device))

    def select(self, index: Tensor) -> Self:
        """Return the oracle of the problems `index`; its evaluations count here."""
        return replace(
            self,
            a=self.a[index],
            b=self.b[index],
            C=self.C[index],
            k=self.k[index] if isinstance(self.k, Tensor) and self.k.ndim else self.k,
            gamma=(
                self.gamma[index]
                if isinstance(self.gamma, Tensor) and self.gamma.ndim
                else self.gamma
            ),
            index=self.index[index],
        )

    def count(self) -> None:
        """Add one evaluation of every problem."""
        self.calls[self.index] += 1


class SemiDual(TransportOracle):
    """-S(alpha), the semi-dual in alpha (B, m)."""

    def evaluate(self, alpha: Tensor) -> Evaluation:
        """Return S, its gradient and its plan at alpha, counted."""
        self.count()
        return semi_dual(alpha, self.a, self.b, self.C, self.k, self.gamma)

    def __call__(self, alpha: Tensor) -> tuple[Tensor, Tensor]:
        """Return -S(alpha) and its gradient, counted."""
        value, gradient, _ = self.evaluate(alpha)
        return -value, -gradient


class Dual(TransportOracle):
    """-D(alpha, beta), the dual in x = (alpha, beta) (B, m + n)."""

    def evaluate(self, x: Tensor) -> Evaluation:
        """Return D, its gradient and its plan at x, counted."""
        self.count()
        alpha, beta = x.split((self.a.shape[-1], self.b.shape[-1]), dim=-1)
        return dual(alpha, beta, self.a, self.b, self.C, self.k, self.gamma)

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return -D(alpha, beta) and its gradient, counted."""
        value, gradient, _ = self.evaluate(x)
        return -value, -gradient
