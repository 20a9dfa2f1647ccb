"""The transport problems that the paper's claims are judged on, with their counted evaluations.

Replicates stand on the leading axis; a race keeps a whole batch of problems inside one replicate.
A factory that takes sequences solves a stack of cells at once, laid out as (cell, replicate).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import cdist
from torch import Tensor

from claimbench.data import array

Floats = NDArray[np.float64]

FOLDER = "optimization/sparse_ot"
SHEAR = np.array([[1.0, -0.8], [-0.8, 1.0]])
OFFSET = 4.0
EXPERTS = 8


@dataclass(frozen=True)
class OneProblem:
    """One transport problem as plain arrays, for opponents that take one at a time.

    Attributes
    ----------
    counted
        Wraps a function so that each of its calls counts as one evaluation of this problem.
    """

    a: Floats
    b: Floats
    C: Floats
    k: int
    gamma: float
    counted: Callable[[Callable[..., Any]], Callable[..., Any]]


@dataclass(frozen=True)
class TransportProblem:
    """B problems: min <T, C> + (gamma/2) ||T||^2 over plans of at most k nonzeros per column.

    Attributes
    ----------
    a, b, C
        (B, m), (B, columns), (B, m, columns), float64: marginals and cost. a and b have one sum.
    k, gamma
        (B,): nonzeros allowed per column, and the weight of the regulariser.
    n
        Replicates; B is a multiple of it.
    evaluations
        (B,), how often each problem's dual or semi-dual was evaluated so far.
    """

    a: Tensor
    b: Tensor
    C: Tensor
    k: Tensor
    gamma: Tensor
    n: int
    evaluations: Tensor = field(init=False)

    def __post_init__(self):
        calls = torch.zeros(len(self.a), dtype=torch.long, device=self.a.device)
        object.__setattr__(self, "evaluations", calls)

    @property
    def calls(self) -> Tensor:
        """(n,), the evaluations of each replicate's problems."""
        return self.evaluations.reshape(self.n, -1).sum(dim=-1)

    def instances(self) -> tuple[Tensor, Tensor]:
        """Return the distinct (a, b, C, gamma): a row of each, and every row's instance, (B,).

        Who does not depend on k, or walks through all k, solves each of them once.
        """
        rows = torch.cat((self.a, self.b, self.C.flatten(1), self.gamma[:, None]), dim=1)
        _, first, instance = np.unique(
            rows.cpu().numpy(), axis=0, return_index=True, return_inverse=True
        )
        device = self.a.device
        return torch.as_tensor(first, device=device), torch.as_tensor(instance, device=device)

    def each(self, first: int | None = None) -> Iterator[OneProblem]:
        """Yield the problems one at a time (the first so many), as arrays of the host."""
        a, b, C = (x.cpu().numpy() for x in (self.a, self.b, self.C))
        k, gamma = self.k.tolist(), self.gamma.tolist()
        for i in range(len(a) if first is None else min(first, len(a))):
            yield OneProblem(a[i], b[i], C[i], k[i], gamma[i], self._counting(i))

    def _counting(self, i: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        def counted(function):
            def call(*arguments):
                self.evaluations[i] += 1
                return function(*arguments)

            return call

        return counted


def pack(
    a: ArrayLike,
    b: ArrayLike,
    C: ArrayLike,
    *,
    k: ArrayLike,
    gamma: ArrayLike,
    n: int,
    device: str = "cpu",
) -> TransportProblem:
    """Return problems made of arrays; k and gamma are one for all, or one per problem."""
    a, b, C = (torch.tensor(np.asarray(x, float), device=device) for x in (a, b, C))
    return TransportProblem(
        a=a,
        b=b,
        C=C,
        k=torch.as_tensor(np.broadcast_to(k, len(a)).copy(), device=device),
        gamma=torch.as_tensor(np.broadcast_to(gamma, len(a)).astype(float), device=device),
        n=n,
    )


def squared_distances(x: Floats, y: Floats) -> Floats:
    """Return (len x, len y): the squared Euclidean cost between rows of x and of y."""
    return cdist(x, y, "sqeuclidean")


def points(generator: np.random.RandomState | np.random.Generator, size: int) -> Floats:
    """Return the cost of P3: `size` normal points against `size` sheared and shifted ones."""
    x = generator.normal(size=(size, 2))
    y = generator.normal(size=(size, 2)) @ SHEAR + OFFSET
    return squared_distances(x, y)


def unequal_weights(
    generator: np.random.RandomState | np.random.Generator, size: int
) -> tuple[Floats, Floats]:
    """Return the marginals (a, b) of P3w: uniform draws on (0.1, 1.1), normalised."""
    a = generator.uniform(size=size) + 0.1
    b = generator.uniform(size=size) + 0.1
    return a / a.sum(), b / b.sum()


def plane(
    gamma: Sequence[float], weights: str, k: Sequence[int], *, streams: Any, n: int
) -> TransportProblem:
    """Return P3: 20 points against 20 in the plane, for a stack of cells.

    A replicate's number is the seed of its instance, for points (``RandomState(seed)``) and
    for weights (``RandomState(1000 + seed)``), so that figures printed elsewhere can be compared.

    Parameters
    ----------
    gamma, k
        One entry per cell of the stack.
    weights
        "uniform" (P3u) or "unequal" (P3w).
    """
    size = 20
    equal = np.full(size, 1 / size)
    drawn = []
    for seed in streams.replicates:
        C = points(np.random.RandomState(seed), size)
        a, b = unequal_weights(np.random.RandomState(1000 + seed), size)
        drawn.append((a, b, C) if weights == "unequal" else (equal, equal, C))
    a, b, C = (np.array(arrays) for arrays in zip(*(drawn * len(k)), strict=True))
    return pack(
        a,
        b,
        C,
        k=np.repeat(k, n),
        gamma=np.repeat(gamma, n),
        n=n * len(k),
        device=streams.device,
    )


def histogram(bins: int, peaks: Sequence[tuple[float, float]]) -> Floats:
    """Return bumps (mean, standard deviation) of equal height on 0..bins-1, normalised once."""
    x = np.arange(bins)
    height = sum(np.exp(-((x - mean) ** 2) / (2 * width**2)) for mean, width in peaks)
    return height / height.sum()


#: The paper's pairs of histograms: bins, the peaks of a and of b, gamma.
PAIRS = {
    "A": (32, [(10.0, 4.0)], [(16.0, 5.0)], 1.0),
    "B": (32, [(16.0, 5.0)], [(8.0, 5.0), (24.0, 5.0)], 1.0),
    "demo": (100, [(20.0, 5.0)], [(60.0, 10.0)], 0.1),
}


def gaussians(pair: Sequence[str], k: Sequence[int], *, streams: Any, n: int) -> TransportProblem:
    """Return P1, P2 or the demo: histograms on a line, squared cost over its maximum.

    Parameters
    ----------
    pair, k
        One entry per cell of the stack; a pair is a name in `PAIRS`, which fixes gamma. Pairs of
        one stack have one number of bins.
    """
    cells = [_histograms(name) for name in pair]
    gamma = [PAIRS[name][-1] for name in pair]
    return _singles(cells, k=k, gamma=gamma, n=n, device=streams.device)


def _histograms(pair: str) -> tuple[Floats, Floats, Floats]:
    """Return a, b and C of a pair in `PAIRS`."""
    bins, source, target, _ = PAIRS[pair]
    x = np.arange(bins, dtype=float)[:, None]
    C = squared_distances(x, x)
    return histogram(bins, source), histogram(bins, target), C / C.max()


def colours(pair: Sequence[str], k: Sequence[int], *, streams: Any, n: int) -> TransportProblem:
    """Return P4: the palette of one picture carried to that of another, gamma = 1.

    Squared Euclidean cost on RGB / 256; a colour's weight is its share of the picture's pixels.

    Parameters
    ----------
    pair, k
        One entry per cell of the stack; a pair is two pictures of `data.PICTURES`, as
        ``source-target``.
    """
    cells = []
    for name in pair:
        (x, a), (y, b) = (_palette(picture) for picture in name.split("-"))
        cells.append((a, b, squared_distances(x / 256, y / 256)))
    return _singles(cells, k=k, gamma=[1.0] * len(k), n=n, device=streams.device)


def _singles(
    cells: Sequence[tuple[Floats, Floats, Floats]],
    *,
    k: Sequence[int],
    gamma: Sequence[float],
    n: int,
    device: str,
) -> TransportProblem:
    """Return the instances of a deterministic experiment, for a stack of cells."""
    a, b, C = (np.repeat(arrays, n, axis=0) for arrays in zip(*cells, strict=True))
    rows = n * len(cells)
    return pack(a, b, C, k=np.repeat(k, n), gamma=np.repeat(gamma, n), n=rows, device=device)


def _palette(picture: str) -> tuple[Floats, Floats]:
    """Return the colours (64, 3) in 0..255 of a picture, and their weights."""
    pixels = array(f"{FOLDER}/{picture}_pixels.npy").astype(float)
    return array(f"{FOLDER}/{picture}_colours.npy").astype(float), pixels / pixels.sum()


def routing(
    k: Sequence[int], *, streams: Any, n: int, tokens: int = 64, gamma: float = 1.0
) -> TransportProblem:
    """Return P5: tokens to 8 experts, at minus the router's softmax gates, a = 1 per token.

    The balanced load of an expert, b, is tokens / 8; its capacity is k tokens, one entry per cell
    of the stack.
    """
    C = np.array([-gates(seed, tokens) for seed in streams.replicates] * len(k))
    a, b = np.ones((len(C), tokens)), np.full((len(C), EXPERTS), tokens / EXPERTS)
    return pack(a, b, C, k=np.repeat(k, n), gamma=gamma, n=len(C), device=streams.device)


def gates(seed: int, tokens: int) -> Floats:
    """Return (tokens, 8): the softmax of the logits 2 N(0, 1) of ``RandomState(seed)``."""
    logits = 2 * np.random.RandomState(seed).randn(tokens, EXPERTS)
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return odds / odds.sum(axis=1, keepdims=True)


def clouds(
    size: int, batch: int, k: int, *, streams: Any, n: int, gamma: float = 0.1
) -> TransportProblem:
    """Return the problems of a race: each replicate is one batch of fresh P3w problems.

    The cost is divided by its maximum, unequal weights, gamma = 0.1.
    """
    drawn = [
        (points(generator, size), *unequal_weights(generator, size))
        for generator in streams.each("clouds")
        for _ in range(batch)
    ]
    C, a, b = (np.array(arrays) for arrays in zip(*drawn, strict=True))
    return pack(
        a,
        b,
        C / C.max(axis=(1, 2), keepdims=True),
        k=k,
        gamma=gamma,
        n=n,
        device=streams.device,
    )
