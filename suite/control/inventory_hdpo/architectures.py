"""Who controls the larger systems: trained networks, and classical policies."""

from __future__ import annotations

from baselines.control import inventory_hdpo as pins

from . import systems
from .method import hdpo
from .references import clark_scarf, single_store
from .topologies import GraphNetwork, PlainSerial, PlainWarehouse, SymmetryAware

#: Steps between two looks at the development set, for training sets of few paths. Deviation: the
#: official code looks every ten passes, and stops after 500 without improvement.
SELECT = 25


def _weights(problem):
    return problem.streams.torch("weights")


# One store with backlog (A), and series (C).


def base_stock(problem):
    """Order up to the closed form's level."""
    return _store_levels(problem, problem.network.lead[0])


def longer_lead(problem):
    """Order up to the level of a lead time that is one period longer."""
    return _store_levels(problem, problem.network.lead[0] + 1)


def _store_levels(problem, L):
    prices = problem.p[:: problem.n].tolist()
    found = [single_store(L, systems.STORE_MEAN, systems.STORE_SD, p) for p in prices]
    return systems.echelon(problem, found)


def just_in_time(problem):
    """See the future: what the best policy could save at most."""
    _, demand = problem.test()
    return pins.just_in_time(demand, problem.network.lead)


def plain_serial(problem):
    """HDPO with the plain network for series."""
    policy = PlainSerial(problem, _weights(problem))
    return hdpo(problem, policy, policy.parameters, lr=1e-2)


def echelon_base_stock(problem):
    """Keep to the optimal levels of Clark and Scarf."""
    return _echelon(problem, 0)


def echelon_longer_lead(problem):
    """Keep to the levels of a store whose lead time is one period longer."""
    return _echelon(problem, 1)


def _echelon(problem, longer):
    L, *upstream = problem.network.lead
    h = (1.0, *systems.UPSTREAM_H)
    found = [
        clark_scarf((L + longer, *upstream), h, p, systems.MEAN, systems.SD)
        for p in problem.p[:: problem.n].tolist()
    ]
    return systems.echelon(problem, found)


# Transshipment (D): nothing stays at the centre.


def plain_centre(problem):
    """HDPO with the plain network, which ships all. Deviation: learning rate 1e-3, not 1e-4."""
    policy = PlainWarehouse(problem, _weights(problem), width=256, holds=False)
    return hdpo(problem, policy, policy.parameters, lr=1e-3)


def graph_centre(problem):
    """HDPO with the graph network, which ships all."""
    policy = GraphNetwork(problem, _weights(problem), holds=False)
    return hdpo(problem, policy, policy.parameters, lr=1e-3, clip=1.0)


# One warehouse, many stores (E): official learning rates.


def plain(problem):
    """HDPO with the plain network of three times 512."""
    policy = PlainWarehouse(problem, _weights(problem))
    return hdpo(problem, policy, policy.parameters, lr=3e-4, select=SELECT)


def symmetry_aware(problem):
    """HDPO with one network for all stores, and a context."""
    policy = SymmetryAware(problem, _weights(problem))
    return hdpo(problem, policy, policy.parameters, lr=1e-3, select=SELECT)


def graph(problem):
    """HDPO with the graph network."""
    policy = GraphNetwork(problem, _weights(problem))
    return hdpo(problem, policy, policy.parameters, lr=1e-3, clip=1.0, select=SELECT)


def misaligned(problem):
    """HDPO with one network for all stores, each of which sees its neighbour's inventory."""
    policy = SymmetryAware(problem, _weights(problem), shift=1)
    return hdpo(problem, policy, policy.parameters, lr=1e-3, select=SELECT)
