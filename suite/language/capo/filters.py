"""Other ways to choose the tokens of a step: opponents and controls of the paper's rule."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from .method import Box, Shifts, Tokens


class Everything:
    """Reject nothing: for the ledger of the plain method."""

    def __call__(self, tokens: Tokens, m: Shifts, mask: Tensor) -> Tensor:  # noqa: ARG002
        """Return which tokens stay, (K, n)."""
        return torch.ones_like(mask, dtype=torch.bool)


class AtRandom:
    """Reject each token with one probability, whatever it is.

    Parameters
    ----------
    share
        The probability.
    generators
        One for each replicate, the fastest part of the leading axis; cells share them.
    """

    def __init__(self, share: float, generators: Sequence[np.random.Generator]) -> None:
        self._share, self._generators = share, generators

    def __call__(self, tokens: Tokens, m: Shifts, mask: Tensor) -> Tensor:  # noqa: ARG002
        """Return which tokens stay, (K, n)."""
        drawn = np.stack([one.random(mask.shape[1]) for one in self._generators])
        kept = torch.from_numpy(drawn >= self._share).to(mask.device)
        return kept.repeat(len(mask) // len(kept), 1)


class LeastProbable:
    """Reject a net's tokens of least probability, a share of its batch."""

    def __init__(self, share: float) -> None:
        self._share = share

    def __call__(self, tokens: Tokens, m: Shifts, mask: Tensor) -> Tensor:  # noqa: ARG002
        """Return which tokens stay, (K, n)."""
        # v = e_a - pi is positive at the sampled word alone, where it is 1 - pi(a).
        return ~largest(tokens.v.amax(dim=-1), mask, self._share)


class LargestShift:
    """Reject a net's tokens of the largest m_F, a share of those that have an advantage."""

    def __init__(self, share: float) -> None:
        self._share = share

    def __call__(self, tokens: Tokens, m: Shifts, mask: Tensor) -> Tensor:
        """Return which tokens stay, (K, n)."""
        return ~largest(m.F, mask * (tokens.A != 0), self._share)


class SmallestShift:
    """Reject a net's tokens of the smallest m_F, a share of those that have an advantage."""

    def __init__(self, share: float) -> None:
        self._share = share

    def __call__(self, tokens: Tokens, m: Shifts, mask: Tensor) -> Tensor:
        """Return which tokens stay, (K, n)."""
        return ~largest(-m.F, mask * (tokens.A != 0), self._share)


class Complement:
    """Reject what the paper's rule accepts, and accept what it rejects."""

    def __init__(self, box: Box) -> None:
        self._box = box

    def __call__(self, tokens: Tokens, m: Shifts, mask: Tensor) -> Tensor:
        """Return which tokens stay, (K, n)."""
        return ~self._box(tokens, m, mask)


def largest(x: Tensor, among: Tensor, share: float) -> Tensor:
    """Return where x, (K, n), is among the largest `share` of the entries with `among` > 0.

    The number is rounded to the nearest whole one, for each net.
    """
    x = x.masked_fill(among == 0, -torch.inf)
    place = x.argsort(dim=-1, descending=True, stable=True).argsort(dim=-1)
    return place < (share * (among > 0).sum(dim=-1, keepdim=True)).round()


class Ledger:
    """What was rejected, step by step, as shares of the sampled tokens (A = 0 among them).

    Attributes
    ----------
    rejected
        One (K,) for each step.
    shares
        The same of some: tokens beyond a bound, that of m_F or of m_H from above or from below (a
        token may break two), and rejected tokens with A > 0.
    """

    def __init__(self, box: Box | None = None) -> None:
        self._box = box
        self.rejected: list[Tensor] = []
        self.shares: dict[str, list[Tensor]] = {}

    def __call__(self, tokens: Tokens, m: Shifts, mask: Tensor, accepted: Tensor) -> None:
        """Take note of a step."""
        gone = mask - accepted
        some = {"rewarded": gone * (tokens.A > 0)}
        if self._box is not None:
            some["F"] = mask * (self._box.delta_F <= m.F)
            some["upper_H"] = mask * (self._box.delta_H <= m.H)
            some["lower_H"] = mask * (-self._box.delta_H >= m.H)
        total = mask.sum(dim=-1)
        self.rejected.append(gone.sum(dim=-1) / total)
        for name, which in some.items():
            self.shares.setdefault(name, []).append(which.sum(dim=-1) / total)

    def mean(self, name: str) -> Tensor:
        """Return the mean over steps of a share, (K,); zero where there is no such bound."""
        shares = self.shares.get(name)
        return torch.stack(shares).mean(dim=0) if shares else torch.zeros_like(self.rejected[0])
