"""Near-optimal inventory control from gradients through the simulator: how near, and against whom.

Alvo, Russo, Kanoria and Lee, "Deep reinforcement learning for inventory networks: toward reliable
policy optimization", 2023.
"""

import numpy as np

from claimbench import Experiment

from . import architectures as larger
from . import contenders as who
from . import problem as problems
from . import systems
from .evaluate import measure
from .interface import NetworkControl, StoreControl

#: A gap above it counts as this much: the policy diverged.
DIVERGED = 100.0
#: Where fewer of an opponent's seeds learnt, nothing is said about the method.
LEARNT = 0.8

zipkin = Experiment(problems.lost_sales, measure, stack=("p",), interface=StoreControl)
optima = Experiment(problems.lost_sales, measure, stack=("p",), interface=StoreControl)
small = Experiment(problems.lost_sales, measure, stack=("p",), interface=StoreControl)
peer = Experiment(problems.lost_sales, measure, stack=("p",), interface=StoreControl)

backlog = Experiment(systems.backlog, systems.measure, stack=("p",), interface=NetworkControl)
serial = Experiment(systems.serial, systems.measure, stack=("p",), interface=NetworkControl)
transshipment = Experiment(
    systems.transshipment, systems.measure, stack=("p",), interface=NetworkControl
)
warehouse = Experiment(systems.warehouse, systems.measure, interface=NetworkControl)

zipkin.method(who.hdpo)
zipkin.baseline(pin="inventory-reinforce")(who.reinforce)
zipkin.baseline(pin="inventory-ppo")(who.ppo)
zipkin.baseline(pin="base-stock")(who.base_stock)
zipkin.baseline(pin="capped-base-stock")(who.capped_base_stock)
zipkin.baseline(pin="lost-sales-value-iteration")(who.value_iteration)
zipkin.control(who.detached)

optima.baseline(pin="lost-sales-value-iteration")(who.value_iteration)
optima.baseline(pin="base-stock")(who.base_stock)
optima.baseline(pin="capped-base-stock")(who.capped_base_stock)

small.method(who.hdpo)
small.baseline(pin="inventory-reinforce")(who.reinforce)
small.baseline(pin="inventory-reinforce")(who.reinforce_fast)
small.baseline(pin="inventory-ppo")(who.ppo)
small.control(who.truncated)
small.control(who.early)

peer.baseline(pin="inventory-ppo")(who.ppo)
peer.baseline(pin="sb3-ppo")(who.sb3_ppo)

backlog.baseline(pin="newsvendor")(larger.base_stock)
backlog.baseline(pin="just-in-time")(larger.just_in_time)
backlog.control(larger.longer_lead)

serial.method(larger.plain_serial)
serial.baseline(pin="echelon-base-stock")(larger.echelon_base_stock)
serial.baseline(pin="just-in-time")(larger.just_in_time)
serial.control(larger.echelon_longer_lead)

transshipment.method(larger.graph_centre)
transshipment.method(larger.plain_centre)

warehouse.method(larger.symmetry_aware)
warehouse.method(larger.graph)
warehouse.baseline(pin="plain-network")(larger.plain)
warehouse.control(larger.misaligned)


def gap(subject):
    """Return the gap to the optimum in percent of it, mean over the instances."""
    return _winsorised(subject).mean(axis=1)


def _winsorised(subject):
    return np.minimum(subject["gap"], DIVERGED)


def gap_difference(subject, opponent):
    """Return by how many points of a percent the opponent's gap is wider, mean over instances."""
    return _difference(subject, opponent).mean(axis=1)


def gap_differences(subject, opponent):
    """Return `gap_difference` of every instance by itself."""
    difference = _difference(subject, opponent)
    cells = zip(subject["L"], subject["p"], strict=True)
    return {f"L = {L}, p = {p:g}": difference[:, cell] for cell, (L, p) in enumerate(cells)}


def _difference(subject, opponent):
    """Return the differences, NaN where the opponent did not learn and so proves nothing."""
    learnt = (opponent["gap"] < DIVERGED).mean(axis=0) >= LEARNT
    return np.where(learnt, _winsorised(opponent) - _winsorised(subject), np.nan)


#: Zipkin (2008), optimal costs at Poisson demand of mean 5, h = 1: (L, p) to two decimals.
PUBLISHED = {
    (1, 4): 4.04, (1, 9): 5.44, (1, 19): 6.68, (1, 39): 7.84,
    (2, 4): 4.40, (2, 9): 6.09, (2, 19): 7.66, (2, 39): 9.11,
    (3, 4): 4.60, (3, 9): 6.53, (3, 19): 8.36, (3, 39): 10.04,
    (4, 4): 4.73, (4, 9): 6.84, (4, 19): 8.89, (4, 39): 10.79,
}  # fmt: skip


def distance_to_published(subject):
    """Return the distance of the exact cost to the published optimum, the worst instance's."""
    cells = zip(subject["L"], subject["p"], strict=True)
    published = np.array([PUBLISHED[int(L), int(p)] for L, p in cells])
    return np.abs(subject["cost"] - published).max(axis=1)


def cost_saved(subject, opponent):
    """Return by how many percent the opponent's cost is higher, on the same test paths."""
    return 100 * np.log(opponent["cost"] / subject["cost"]).mean(axis=1)
