"""L-BFGS for a batch of problems at once, each with its own steps, memory and stopping time.

The inverse Hessian is that of the two-loop recursion, in the compact form of Byrd, Nocedal and
Schnabel (1994): a dozen batched operations instead of four per pair. The line search bisects for
the weak Wolfe conditions, Lewis and Overton (2013), Algorithm 2.6, which also ends at a kink. It
knows functions only, no transport.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol, Self

import torch
from torch import Tensor

ARMIJO, CURVATURE = 1e-4, 0.9


class Oracle(Protocol):
    """A batch of B functions to be minimised over R^d."""

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the values (B,) and the gradients (B, d) at x (B, d)."""

    def select(self, index: Tensor) -> Self:
        """Return the oracle of the problems `index`, long (A,), of this batch."""


class Minimum(NamedTuple):
    """Where each problem stopped: the lowest point it evaluated.

    Attributes
    ----------
    x, value
        (B, d) and (B,).
    evaluations
        (B,) long, the start included.
    exhausted
        (B,) boolean, whether it stopped because no evaluations were left.
    """

    x: Tensor
    value: Tensor
    evaluations: Tensor
    exhausted: Tensor


class _Search:
    """The state of the problems that still run; `keep` thins it out."""

    def __init__(self, oracle: Oracle, x: Tensor, memory: int):
        B, d = x.shape
        self.oracle = oracle
        self.index = torch.arange(B, device=x.device)
        self.x, self.best = x, x
        self.f, self.g = oracle(x)
        self.lowest = self.f
        # History, oldest first; an empty pair is zero and changes nothing.
        self.s, self.y = x.new_zeros(B, memory, d), x.new_zeros(B, memory, d)
        self.empty = torch.ones(B, memory, dtype=torch.bool, device=x.device)
        self.scale = 1 / self.g.norm(dim=-1).clamp(min=torch.finfo(x.dtype).tiny)
        self.p = self.direction()
        self.t, self.low, self.high = self.fresh_bracket(B)
        self.trials = torch.zeros(B, dtype=torch.long, device=x.device)

    def fresh_bracket(self, B: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return step, lower and upper end at the start of a line search."""
        one = self.x.new_ones(B)
        return one, torch.zeros_like(one), torch.full_like(one, torch.inf)

    def keep(self, alive: Tensor) -> None:
        """Forget the problems that are not `alive` (boolean)."""
        where = alive.nonzero().squeeze(-1)
        self.oracle = self.oracle.select(where)
        for name, state in vars(self).items():
            if isinstance(state, Tensor):
                setattr(self, name, state[where])

    def direction(self) -> Tensor:
        """Return -H g, with H in the compact form of Byrd, Nocedal and Schnabel (1994), (3.1)."""
        s_y = self.s @ self.y.mT
        R = s_y.triu() + torch.diag_embed(self.empty.to(s_y.dtype))
        g, scale = self.g.unsqueeze(-1), self.scale.reshape(-1, 1, 1)
        u = torch.linalg.solve_triangular(R, self.s @ g, upper=True)
        inner = s_y.diagonal(dim1=-2, dim2=-1).unsqueeze(-1) * u
        y_u = self.y.mT @ u
        inner = torch.baddbmm(inner, self.y, scale * (y_u - g))
        w = torch.linalg.solve_triangular(R.mT, inner, upper=False)
        return torch.baddbmm(scale * (y_u - g), self.s.mT, w, alpha=-1).squeeze(-1)

    def remember(self, accepted: Tensor, x: Tensor, g: Tensor) -> None:
        """Append the step of the accepted problems to their history."""
        s, y = x - self.x, g - self.g
        sy, yy = (s * y).sum(dim=-1), (y * y).sum(dim=-1)
        new = accepted & (sy > torch.finfo(x.dtype).eps * yy)
        self.scale = torch.where(new, sy / yy, self.scale)
        filled = torch.cat((self.empty[:, 1:], torch.zeros_like(new).unsqueeze(1)), dim=1)
        self.empty = torch.where(new.unsqueeze(-1), filled, self.empty)
        new = new.reshape(-1, 1, 1)
        self.s = torch.where(new, torch.cat((self.s[:, 1:], s.unsqueeze(1)), dim=1), self.s)
        self.y = torch.where(new, torch.cat((self.y[:, 1:], y.unsqueeze(1)), dim=1), self.y)

    def forget(self, which: Tensor) -> None:
        """Empty the history of the problems `which`: their next step is the steepest descent."""
        self.empty = self.empty | which.unsqueeze(-1)
        self.s = torch.where(which.reshape(-1, 1, 1), 0, self.s)
        self.y = torch.where(which.reshape(-1, 1, 1), 0, self.y)
        norm = self.g.norm(dim=-1).clamp(min=torch.finfo(self.g.dtype).tiny)
        self.scale = torch.where(which, 1 / norm, self.scale)

    def step(self, value_tolerance: float, gradient_tolerance: float, bisections: int) -> Tensor:
        """Evaluate one trial step of every problem; return which problems are done."""
        slope = (self.g * self.p).sum(dim=-1)
        x = torch.addcmul(self.x, self.t.unsqueeze(-1), self.p)
        f, g = self.oracle(x)
        better = f < self.lowest
        self.lowest = torch.where(better, f, self.lowest)
        self.best = torch.where(better.unsqueeze(-1), x, self.best)

        # A value that is not a number fails the comparison, and the step is halved.
        too_long = ~(f <= self.f + ARMIJO * self.t * slope)
        too_short = ~too_long & ((g * self.p).sum(dim=-1) < CURVATURE * slope)
        accepted = ~(too_long | too_short)
        self.high = torch.where(too_long, self.t, self.high)
        self.low = torch.where(too_short, self.t, self.low)
        self.trials = self.trials + 1
        stuck = ~accepted & (self.trials >= bisections)

        size = torch.maximum(self.f.abs(), f.abs()).clamp(min=1)
        flat = accepted & (self.f - f <= value_tolerance * size)
        level = accepted & (g.abs().amax(dim=-1) <= gradient_tolerance)
        # Without a history the direction was steepest descent already: nothing is left to try.
        hopeless = stuck & self.empty[:, -1]

        self.remember(accepted, x, g)
        self.x = torch.where(accepted.unsqueeze(-1), x, self.x)
        self.f = torch.where(accepted, f, self.f)
        self.g = torch.where(accepted.unsqueeze(-1), g, self.g)
        if stuck.any():
            self.forget(stuck)
        new = accepted | stuck
        one, low, high = self.fresh_bracket(len(f))
        middle = torch.where(self.high.isinf(), 2 * self.low, (self.low + self.high) / 2)
        self.t = torch.where(new, one, middle)
        self.low, self.high = torch.where(new, low, self.low), torch.where(new, high, self.high)
        self.trials = torch.where(new, 0, self.trials)
        if new.any():
            self.p = torch.where(new.unsqueeze(-1), self.direction(), self.p)
        return flat | level | hopeless


def minimise(
    oracle: Oracle,
    x: Tensor,
    *,
    memory: int = 20,
    max_evaluations: int = 2000,
    value_tolerance: float = 1e-15,
    gradient_tolerance: float = 1e-10,
    bisections: int = 30,
) -> Minimum:
    """Minimise every function of the batch from its own start.

    A problem stops when an accepted step lowers f by at most `value_tolerance` max(|f|, 1), when
    no entry of its gradient exceeds `gradient_tolerance`, when a line search along the steepest
    descent fails, or when its evaluations are used up. Nothing that another problem of the batch
    does enters its own path, except through the rounding of batched kernels.

    Parameters
    ----------
    oracle
        Is asked about running problems only, once per problem and step.
    x
        (B, d), the starts.
    memory
        Pairs of steps and gradient differences.
    bisections
        Trials after which a line search has failed; the history is then dropped.
    """
    run = _Search(oracle, x, memory)
    best, lowest = x.clone(), run.lowest.clone()
    evaluations = torch.ones(len(x), dtype=torch.long, device=x.device)
    exhausted = torch.zeros(len(x), dtype=torch.bool, device=x.device)
    done = run.g.abs().amax(dim=-1) <= gradient_tolerance
    count = 1
    while True:
        if done.any() or count >= max_evaluations:
            best[run.index], lowest[run.index] = run.best, run.lowest
            evaluations[run.index] = count
            if count >= max_evaluations:
                exhausted[run.index] = ~done
                break
            if done.all():
                break
            run.keep(~done)
        done = run.step(value_tolerance, gradient_tolerance, bisections)
        count += 1
    return Minimum(best, lowest, evaluations, exhausted)
