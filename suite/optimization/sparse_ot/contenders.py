"""Who solves the transport problems: methods, opponents and controls, problem to answer."""

import numpy as np
import torch

from baselines.optimization import sparse_ot as pins

from .evaluate import AUDITED, Answer
from .lbfgs import minimise
from .method import semi_dual as semi_dual_at
from .oracle import Dual, SemiDual
from .solvers import continuation, solve


def oracle(problem, kind=SemiDual):
    """Return the counted objective of a problem."""
    return kind(problem.a, problem.b, problem.C, problem.k, problem.gamma, problem.evaluations)


def at(problem, alpha, k=None):
    """Return the answer at alpha: the semi-dual's value and plan, as the method computes them."""
    k = problem.k if k is None else k
    found = semi_dual_at(alpha, problem.a, problem.b, problem.C, k, problem.gamma)
    return Answer(alpha, found.plan, found.value)


def minimiser(run, start, **options):
    """Return where L-BFGS ends from `start`."""
    # These oracles know their gradients: a fifth of a small batch's time was autograd's.
    with torch.inference_mode():
        x = minimise(run, start, **options).x
    return x.clone()


def answers(found):
    """Return the answers of opponents that take one problem at a time as one."""
    return Answer(*(np.array(parts) for parts in zip(*found, strict=True)))


def once_for_all_k(problem, solve_one):
    """Solve each instance once, for opponents that do not know k; return (found, one) per row."""
    ones = list(problem.each())
    first, instance = problem.instances()
    found = [solve_one(ones[i]) for i in first.tolist()]
    problem.evaluations.copy_(problem.evaluations[first][instance])
    return [(found[i], one) for i, one in zip(instance.tolist(), ones, strict=True)]


def semi_dual(problem):
    """L-BFGS on the semi-dual from alpha = 0, as in the paper's code."""
    return at(problem, minimiser(oracle(problem), torch.zeros_like(problem.a)))


def warm(problem):
    """L-BFGS at k = m, m - 1, ..., each from the optimum before: from smooth to nonsmooth."""
    with torch.inference_mode():
        alpha = continuation(oracle(problem), torch.zeros_like(problem.a)).x
    return at(problem, alpha.clone())


def dual(problem):
    """L-BFGS on the dual from alpha = 0, beta = 0, with at most 1000 evaluations.

    Half the semi-dual's: there are twice the variables, and no claim rests on what is left.
    """
    run = oracle(problem, Dual)
    start = torch.zeros_like(torch.cat((problem.a, problem.b), dim=1))
    x = minimiser(run, start, max_evaluations=1000)
    calls = problem.evaluations.clone()
    last = run.evaluate(x)
    problem.evaluations.copy_(calls)  # reading the plan off is no step of the solver
    return Answer(x[:, : problem.a.shape[1]], last.plan, last.value)


def interior(problem):
    """Newton's method on the relaxation; it takes no evaluation of the semi-dual."""
    return at(problem, solve(problem.a, problem.b, problem.C, problem.k, problem.gamma).alpha)


def pot_semi_dual(problem, first=None):
    """POT's semi-dual, one problem after another."""
    return answers(
        [
            pins.pot_semi_dual(one.a, one.b, one.C, one.gamma, one.k, counted=one.counted)
            for one in problem.each(first)
        ]
    )


def pot_dual(problem):
    """POT's dual, one problem after another."""
    return answers(
        [
            pins.pot_dual(one.a, one.b, one.C, one.gamma, one.k, counted=one.counted)
            for one in problem.each()
        ]
    )


def lp(problem):
    """Transport without regularisation."""
    pairs = once_for_all_k(problem, lambda one: pins.linear_program(one.a, one.b, one.C))
    return answers([found for found, _ in pairs])


def _quadratic(problem):
    return once_for_all_k(
        problem,
        lambda one: pins.quadratic(one.a, one.b, one.C, one.gamma, counted=one.counted),
    )


def quadratic(problem):
    """Quadratic transport by POT: the same gamma, and no limit to the nonzeros."""
    return answers([found for found, _ in _quadratic(problem)])


def sinkhorn(problem):
    """Entropic transport at epsilon = gamma."""
    pairs = once_for_all_k(problem, lambda one: pins.sinkhorn(one.a, one.b, one.C, one.gamma))
    return answers([found for found, _ in pairs])


def truncation(problem):
    """Quadratic transport, then the k largest entries of every column."""
    pairs = _quadratic(problem)
    return answers([pins.truncated(found, p.b, p.C, p.gamma, p.k) for found, p in pairs])


def cone(problem):
    """Solve the relaxation: alpha and plan bound the dual optimum from both sides."""
    return answers(
        [pins.cone_program(one.a, one.b, one.C, one.gamma, one.k) for one in problem.each()]
    )


def reversed_k(problem):
    """L-BFGS on the semi-dual, where the first k of the sweep is told the last, and so on.

    It gets 500 evaluations, since more would not bring it nearer to another k's optimum.
    """
    ks, order = problem.k.unique(return_inverse=True)
    told = ks.flip(0)[order]
    run = SemiDual(problem.a, problem.b, problem.C, told, problem.gamma, problem.evaluations)
    return at(problem, minimiser(run, torch.zeros_like(problem.a), max_evaluations=500), told)


def greedy(problem):
    """No dual variable at all: every column takes its k cheapest rows."""
    return at(problem, torch.zeros_like(problem.a))


# Routing: only the plan counts.


def routed(problem, route):
    """Return the answer of a routing rule, one instance after another."""
    return answers([route(one) for one in problem.each()])


def sparse_router(problem, *, gamma):
    """Transport with at most k tokens per expert, at a tuned gamma."""
    return _sparse(problem, problem.k, gamma)


def no_capacity(problem):
    """Transport without the constraint: k = m."""
    return _sparse(problem, problem.a.shape[1], problem.gamma)


def _sparse(problem, k, gamma):
    alpha = solve(problem.a, problem.b, problem.C, k, gamma).alpha
    found = semi_dual_at(alpha, problem.a, problem.b, problem.C, k, gamma)
    return Answer(alpha, found.plan, found.value)


def quadratic_router(problem, *, gamma):
    """Quadratic transport at a tuned gamma."""
    pairs = once_for_all_k(
        problem, lambda one: pins.quadratic(one.a, one.b, one.C, gamma, counted=one.counted)
    )
    return answers([found for found, _ in pairs])


def sinkhorn_router(problem):
    """Entropic transport, epsilon = 0.1, then every expert's k largest entries."""
    return routed(
        problem,
        lambda p: pins.truncated(pins.sinkhorn(p.a, p.b, p.C, 0.1), p.b, p.C, p.gamma, p.k),
    )


def token_choice(problem):
    """Every token goes to its best expert."""
    return routed(problem, lambda p: pins.token_choice(p.a, p.C))


def expert_choice(problem):
    """Every expert takes its k best tokens."""
    return routed(problem, lambda p: pins.expert_choice(p.a, p.b, p.C, p.k))


# Races: a loop over problems has one rate at any batch size, so that it answers a few of them.


def pot_race(problem):
    """POT's semi-dual on the first problems of the batch.

    Deviation: of 16 or 128 problems it answers 3, and its rate on those stands for all: a loop
    gains nothing from more. Misses of the fast solver are looked for on the same 3 only.
    """
    return pot_semi_dual(problem, AUDITED)


def looped(problem):
    """Call the fast solver once for each of the first problems: the batch removed."""
    first = range(min(len(problem.a), AUDITED))
    parts = (problem.a, problem.b, problem.C, problem.k, problem.gamma)
    alphas = [solve(*(part[i : i + 1] for part in parts)) for i in first]
    few = oracle(problem).select(torch.arange(len(first), device=problem.a.device))
    return at(few, torch.cat([found.alpha for found in alphas]))


def fixed_step(problem, steps=20):
    """Ascend the semi-dual by its gradient, steps of gamma / n, on the first problems only."""
    count = min(len(problem.a), AUDITED)
    few = oracle(problem).select(torch.arange(count, device=problem.a.device))
    alpha = torch.zeros_like(few.a)
    step = (few.gamma / few.b.shape[1]).unsqueeze(-1)
    for _ in range(steps):
        _, gradient = few(alpha)
        alpha = alpha - step * gradient
    return at(few, alpha)


def adam(problem, steps=2000):
    """Adam on the semi-dual, learning rate 1e-2, as the paper's neural router."""
    run = oracle(problem)
    alpha = torch.zeros_like(problem.a)
    ascent = torch.optim.Adam([alpha], lr=1e-2)
    for _ in range(steps):
        _, alpha.grad = run(alpha)
        ascent.step()
    return at(problem, alpha)
