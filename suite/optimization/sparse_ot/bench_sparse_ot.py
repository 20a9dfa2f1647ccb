"""Transport with at most k nonzeros per column: is it tractable, and what does sparsity cost.

Liu, Puigcerver and Blondel, "Sparsity-constrained optimal transport", ICLR 2023.
"""

import numpy as np

from claimbench import Experiment

from . import contenders as who
from . import experts as mixture
from . import problem as problems
from .evaluate import AUDITED, host, measure, measure_race, measure_routing
from .interface import ExpertTrainer, Solver

#: A plan counts as exact below this L1 distance of its row sums from a.
EXACT = 1e-4
#: A race's problem is solved at the opponent's dual value, up to this share of it.
EQUAL_VALUE = 1e-9


def plans(_, answer):
    """Keep the plans of replicate 0, for pictures."""
    return {"plan": host(answer.plan)}


sweep = Experiment(problems.plane, measure, stack=("gamma", "k"), interface=Solver)
uniform = Experiment(problems.plane, measure, stack=("gamma", "k"), interface=Solver)
starts = Experiment(problems.plane, measure, stack=("gamma", "k"), interface=Solver)
lines = Experiment(
    problems.gaussians, measure, stack=("pair", "k"), exhibit=plans, interface=Solver
)
pictures = Experiment(
    problems.colours, measure, stack=("pair", "k"), exhibit=plans, interface=Solver
)
router = Experiment(problems.routing, measure_routing, stack=("k",), interface=Solver)
race = Experiment(problems.clouds, measure_race, seconds=True, interface=Solver)
large = Experiment(problems.clouds, measure_race, seconds=True, interface=Solver)
experts = Experiment(mixture.digits, mixture.measure, interface=ExpertTrainer)

# Sweep (P3w), uniform (P3u), lines (P1, P2) and pictures (P4): one alpha and one plan each.

sweep.method(who.semi_dual)
sweep.method(who.interior)
sweep.baseline(pin="pot-sparse-semi-dual")(who.pot_semi_dual)
sweep.baseline(pin="pot-sparse-dual")(who.pot_dual)
sweep.baseline(pin="pot-lp")(who.lp)
sweep.baseline(pin="pot-quadratic")(who.quadratic)
sweep.baseline(pin="pot-sinkhorn")(who.sinkhorn)
sweep.baseline(pin="truncation")(who.truncation)
sweep.baseline(pin="k-support-cone")(who.cone)
sweep.control(who.reversed_k)
sweep.control(who.greedy)

uniform.method(who.semi_dual)
uniform.baseline(pin="pot-lp")(who.lp)
uniform.baseline(pin="pot-quadratic")(who.quadratic)
uniform.baseline(pin="truncation")(who.truncation)

starts.method(who.semi_dual)
starts.method(who.warm)
starts.method(who.dual)
starts.baseline(pin="k-support-cone")(who.cone)

lines.method(who.semi_dual)
lines.method(who.dual)
lines.method(who.interior)
lines.baseline(pin="pot-sparse-semi-dual")(who.pot_semi_dual)
lines.baseline(pin="pot-sparse-dual")(who.pot_dual)
lines.baseline(pin="pot-lp")(who.lp)
lines.baseline(pin="pot-quadratic")(who.quadratic)
lines.baseline(pin="pot-sinkhorn")(who.sinkhorn)
lines.baseline(pin="truncation")(who.truncation)
lines.baseline(pin="k-support-cone")(who.cone)
lines.control(who.greedy)

pictures.method(who.semi_dual)
pictures.method(who.interior)
pictures.baseline(pin="pot-sparse-semi-dual")(who.pot_semi_dual)
pictures.baseline(pin="pot-lp")(who.lp)
pictures.baseline(pin="pot-quadratic")(who.quadratic)
pictures.baseline(pin="truncation")(who.truncation)
pictures.control(who.greedy)


def cardinality(subject):
    """Return the worst excess, plan error and value error, each over its tolerance.

    Half a nonzero, 1e-8 of L1 distance and 1e-10 of relative value are let through.
    """
    return np.column_stack(
        (
            np.maximum(subject["excess_nonzeros"], 0).max(axis=1) / 0.5,
            subject["plan_error"].max(axis=1) / 1e-8,
            subject["value_error"].max(axis=1) / 1e-10,
        )
    )


def certified_cardinality(subject, opponent):
    """Return `cardinality`, and at gamma = 10 the gap to the certified optimum over its window.

    The window is -1e-9 to 1e-4 at k = 2, and to 1e-5 at k = 4: what tells k - 1 from k.
    """
    reference = opponent["relaxed_cost"]
    gap = (reference - subject["dual_value"]) / np.abs(reference)
    columns = [cardinality(subject)]
    for k, most in ((2, 1e-4), (4, 1e-5)):
        at_k = gap[:, (subject["gamma"] == 10) & (subject["k"] == k)]
        columns.append(np.where(at_k > 0, at_k / most, at_k / 1e-9))
    return np.column_stack(columns)


def first_end_point(subject, opponent):
    """Return the relative distance of D_1 from LP + (gamma/2) ||b||^2, the worst cell's."""
    return np.abs(subject["dual_value"] / opponent["endpoint"] - 1).max(axis=1)


def last_end_point(subject, opponent):
    """Return the relative distance of D_m from quadratic transport, the worst cell's."""
    return np.abs(subject["dual_value"] / opponent["dual_value"] - 1).max(axis=1)


def rise_with_k(subject):
    """Return by how much D_k may rise from one k to the next, by its certified bounds, relative."""
    rises = [np.zeros((len(subject["dual_value"]), 1))]
    for gamma in np.unique(subject["gamma"]):
        cells = np.flatnonzero(subject["gamma"] == gamma)
        cells = cells[np.argsort(subject["k"][cells])]
        lower, upper = subject["dual_value"][:, cells], subject["relaxed_cost"][:, cells]
        rises.append((upper[:, 1:] - lower[:, :-1]) / np.abs(lower[:, :-1]))
    return np.concatenate(rises, axis=1).max(axis=1)


def smoothness(subject):
    """Return Spearman's correlation of k with the row violation, and with the evaluations.

    Violations that count as exact are equal; evaluations from k = 2 upwards.
    """
    later = subject["k"] >= 2
    return np.column_stack(
        (
            _rank_correlation(subject["k"], np.maximum(subject["row_violation"], EXACT)),
            _rank_correlation(subject["k"][later], subject["calls"][:, later]),
        )
    )


def _rank_correlation(x, rows):
    """Return Spearman's correlation of x with every row; none with a constant one."""
    from scipy.stats import spearmanr  # a second that workers need not wait for

    return np.array([spearmanr(x, row).statistic if np.ptp(row) > 0 else 0.0 for row in rows])


def exact_plan(subject):
    """Return whether the plan meets the row marginals, in every cell."""
    return (subject["row_violation"] < EXACT).all(axis=1)


def exact_sparse_plan(subject):
    """Return whether the plan meets the row marginals with at most k nonzeros per column."""
    return exact_plan(subject) & (subject["excess_nonzeros"] <= 0).all(axis=1)


def dual_advantage(subject, opponent):
    """Return how far the subject's dual value lies above the opponent's, relative, cells' mean."""
    theirs = opponent["dual_value"]
    return ((subject["dual_value"] - theirs) / np.abs(theirs)).mean(axis=1)


# Routing (P5): experts have room for k tokens.

GAMMA = {"gamma": (0.01, 0.1, 1.0)}

router.method(grid=GAMMA)(who.sparse_router)
router.baseline(pin="pot-quadratic", grid=GAMMA)(who.quadratic_router)
router.baseline(pin="pot-lp")(who.lp)
router.baseline(pin="topk-softmax")(who.token_choice)
router.baseline(pin="expert-choice")(who.expert_choice)
router.baseline(pin="sinkhorn-topk")(who.sinkhorn_router)
router.control(who.no_capacity)


def capacity_kept(subject, opponent):
    """Return the opponent's share of experts over capacity less the subject's."""
    return (opponent["share_over"] - subject["share_over"]).mean(axis=1)


# Routers of a mixture of experts, at equal capacity (full profile).


@experts.method
def sparse_transport(problem):
    """Train with the k-sparse plan as the router."""
    return mixture.train(problem, mixture.sparse_transport)


@experts.baseline(pin="topk-softmax")
def top_one(problem):
    """Train with token choice: the best expert, as far as it has room."""
    return mixture.train(problem, mixture.top_one)


@experts.baseline(pin="expert-choice")
def expert_choice(problem):
    """Train with expert choice."""
    return mixture.train(problem, mixture.expert_choice)


@experts.baseline(pin="sinkhorn-topk")
def sinkhorn(problem):
    """Train with Sinkhorn's balance, then every expert's largest entries."""
    return mixture.train(problem, mixture.sinkhorn)


# Races: problems per second at the opponent's certified gap or better.

race.method(who.interior)
race.baseline(pin="pot-sparse-semi-dual")(who.pot_race)
race.control(who.looped)
race.control(who.fixed_step)

large.method(who.interior)
large.method(who.semi_dual)
large.method(who.adam)
large.baseline(pin="pot-sparse-semi-dual")(who.pot_race)


def throughput_ratio(subject, opponent):
    """Return ln of the ratio of problems solved per second, one column per cell.

    A subject's problem counts when its dual value reaches the opponent's, and all of the
    opponent's count: of the problems that both are audited on, misses are censored.
    """
    ours, theirs = _values(subject), _values(opponent)
    audited = np.minimum(subject["audited"], opponent["audited"])
    looked_at = np.arange(AUDITED) < audited[..., None]
    reached = looked_at & (ours >= theirs - EQUAL_VALUE * np.abs(theirs))
    solved = subject["problems"] * reached.sum(axis=-1) / audited
    return np.log(solved / subject["seconds"]) - np.log(opponent["problems"] / opponent["seconds"])


def _values(subject):
    """Return the audited dual values, (replicate, cell, AUDITED)."""
    return np.stack([subject[f"value_{i}"] for i in range(AUDITED)], axis=-1)


def over_tenfold(subject, opponent):
    """Return ln of the throughput ratio over 10."""
    return throughput_ratio(subject, opponent) - np.log(10)


def over_twofold(subject, opponent):
    """Return ln of the throughput ratio over 2."""
    return throughput_ratio(subject, opponent) - np.log(2)
