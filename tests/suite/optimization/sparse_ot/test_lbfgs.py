"""The batched L-BFGS on functions with known minima, and what it counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from scipy.optimize import rosen, rosen_der

from suite.optimization.sparse_ot.lbfgs import minimise


@dataclass
class Batch:
    """The same function for every problem with its own parameter, and the calls of each."""

    f: object
    parameter: torch.Tensor
    calls: torch.Tensor
    index: torch.Tensor

    @classmethod
    def of(cls, f, parameter):
        B = len(parameter)
        return cls(f, parameter, torch.zeros(B, dtype=torch.long), torch.arange(B))

    def __call__(self, x):
        self.calls[self.index] += 1
        x = x.detach().requires_grad_()
        value = self.f(x, self.parameter)
        (gradient,) = torch.autograd.grad(value.sum(), x)
        return value.detach(), gradient

    def select(self, index):
        return Batch(self.f, self.parameter[index], self.calls, self.index[index])


def ill_conditioned(x, centre):
    scales = torch.logspace(0, 4, x.shape[-1], dtype=x.dtype)
    return (scales * (x - centre) ** 2).sum(dim=-1)


def rosenbrock(x, _):
    return (100 * (x[:, 1:] - x[:, :-1] ** 2) ** 2 + (1 - x[:, :-1]) ** 2).sum(dim=-1)


def centres(B, d, seed=0):
    return torch.as_tensor(np.random.default_rng(seed).standard_normal((B, d)))


def test_finds_the_minimum_of_quadratics():
    """Ill-conditioned quadratics are minimised to rounding, each to its own centre."""
    centre = centres(7, 10)
    found = minimise(Batch.of(ill_conditioned, centre), torch.zeros_like(centre))
    np.testing.assert_allclose(found.x, centre, atol=1e-7)
    assert not found.exhausted.any()


def test_finds_the_minimum_of_rosenbrock():
    """The valley is followed to the minimum that scipy's function has."""
    start = 1.5 * centres(4, 6, seed=1)
    found = minimise(Batch.of(rosenbrock, start), start)
    for x, value in zip(found.x.numpy(), found.value, strict=True):
        assert float(value) == pytest.approx(rosen(x), abs=1e-15)
        np.testing.assert_allclose(rosen_der(x), 0, atol=1e-5)


def test_goes_down_a_nonsmooth_function():
    """At a kink the bisection still ends: max_i |x_i - c_i| falls by 1e5 and more."""
    centre = centres(5, 4, seed=2)

    def f(x, c):
        return ((x - c).abs() * torch.arange(1, 5)).amax(dim=-1)

    batch = Batch.of(f, centre)
    found = minimise(batch, torch.zeros_like(centre))
    assert (found.value < 1e-5 * f(torch.zeros_like(centre), centre)).all()


def test_steps_back_from_where_the_function_is_not_a_number():
    """A trial step beyond the domain of a logarithm is halved, not taken."""
    target = centres(5, 3, seed=3).exp()
    found = minimise(
        Batch.of(lambda x, t: (x - t * x.log()).sum(dim=-1), target), torch.full_like(target, 1e-3)
    )
    np.testing.assert_allclose(found.x, target, rtol=1e-6)


def test_evaluations_are_the_calls():
    """What is reported is what the oracle counted, per problem, whoever stops first."""
    centre = centres(6, 10)
    centre[::2] *= 1e-3
    centre[0] = 0
    batch = Batch.of(ill_conditioned, centre)
    found = minimise(batch, torch.zeros_like(centre))
    assert torch.equal(found.evaluations, batch.calls)
    assert found.evaluations[0] == 1  # it starts at its minimum
    assert len(set(found.evaluations.tolist())) > 2


def test_stops_when_the_evaluations_are_used_up():
    """Not one more than allowed, and the problem says so; the others do not."""
    centre = centres(3, 10)
    centre[1] = 0
    batch = Batch.of(ill_conditioned, centre)
    found = minimise(batch, torch.zeros_like(centre), max_evaluations=9)
    assert batch.calls.tolist() == [9, 1, 9]
    assert found.exhausted.tolist() == [True, False, True]


def test_returns_the_lowest_point_it_has_seen():
    """The value belongs to x and none of the evaluations was lower."""
    seen = []

    def f(x, c):
        value = ((x - c).abs() * torch.arange(1, 5)).amax(dim=-1)
        seen.append(value.min().item())
        return value

    centre = centres(1, 4, seed=4)
    found = minimise(Batch.of(f, centre), torch.zeros_like(centre), max_evaluations=25)
    assert found.value.item() == min(seen)
    assert f(found.x, centre).item() == found.value.item()


@pytest.mark.parametrize("bisections", [3, 30])
def test_a_problem_does_not_see_its_neighbours(bisections):
    """Alone or in a batch of seven, a problem takes the same path to the same point."""
    start = 1.5 * centres(7, 6, seed=5)
    whole = minimise(Batch.of(rosenbrock, start), start, bisections=bisections)
    for i in range(7):
        alone = start[i : i + 1]
        one = minimise(Batch.of(rosenbrock, alone), alone, bisections=bisections)
        np.testing.assert_allclose(one.x[0], whole.x[i], atol=1e-8)
        assert abs(int(one.evaluations[0] - whole.evaluations[i])) <= 5


def test_tolerances_stop_it():
    """A looser tolerance on value or gradient costs fewer evaluations."""
    start = 1.5 * centres(4, 6, seed=6)
    tight = minimise(Batch.of(rosenbrock, start), start).evaluations
    for option in ({"value_tolerance": 1e-3}, {"gradient_tolerance": 1e-1}):
        assert (minimise(Batch.of(rosenbrock, start), start, **option).evaluations < tight).all()
