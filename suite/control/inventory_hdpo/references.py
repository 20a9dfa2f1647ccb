"""Optima and bounds that need no policy search: settings A, C and D.

All demand is normal, independent between periods. A period costs h per unit left and p per unit
backlogged, after demand; an order with lead time L placed in period t meets demand from t + L on,
so that the stock of a single store covers L + 1 periods.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve
from scipy.stats import norm

Floats = NDArray[np.float64]


class BaseStock(NamedTuple):
    """Base-stock levels, from the store upwards, and the cost per period of keeping to them."""

    levels: Floats
    cost: float


def single_store(L: int, mean: float, sd: float, p: float, h: float = 1.0) -> BaseStock:
    """Return the optimum of a store with backlog (setting A): the newsvendor's over L + 1 periods.

    S* = (L + 1) mu + z sigma sqrt(L + 1) and C* = (h + p) sigma sqrt(L + 1) phi(z), with
    z = Phi^{-1}(p / (p + h)).

    Parameters
    ----------
    L
        Lead time in periods.
    mean, sd
        Of a period's demand, in units; not clipped.
    p, h
        Costs per unit and period of what is backlogged and what is left.
    """
    z, spread = norm.ppf(p / (p + h)), sd * sqrt(L + 1)
    return BaseStock(np.array([(L + 1) * mean + z * spread]), float((h + p) * spread * norm.pdf(z)))


def clark_scarf(
    lead: Sequence[int],
    h: Sequence[float],
    p: float,
    mean: float,
    sd: float,
    *,
    clipped: bool = True,
    step: float = 0.02,
) -> BaseStock:
    """Return the optimal echelon base-stock levels and cost of locations in series (setting C).

    Clark and Scarf (1960), with local holding costs. With H_{J+1} = 0 above the last stage and
    u = y - D(L_j), the demand of L_j periods,

        G_1(y) = E[h_1 (y - D(L_1 + 1))^+ + p (y - D(L_1 + 1))^-] - h_2 y
        G_j(y) = E[h_j u + G_{j-1}(min(S_{j-1}, u))] - h_{j+1} y,    S_j = argmin G_j

    and the optimal cost is min G_J.

    Parameters
    ----------
    lead, h
        Lead times and holding costs of the store first, then of who supplies it, and so on.
    p
        Cost per unit and period of a backlog at the store.
    mean, sd
        Of a period's demand, in units.
    clipped
        Whether normal demand below zero counts as zero.
    step
        Of the grid that levels are taken from.
    """
    above = [*h[1:], 0.0]
    most = (sum(lead) + 1) * mean + 8 * sd * sqrt(sum(lead) + 1)
    y = np.arange(-round(20 / step), round(most / step) + 1) * step
    levels: list[float] = []

    def stage(y: Floats) -> Floats:
        return h[0] * np.maximum(y, 0) + p * np.maximum(-y, 0)

    for j, L in enumerate(lead):
        value = stage(y)
        offset, weight = _demand(L + (j == 0), mean, sd, step, clipped=clipped)
        G = _expected(value, offset, weight) - above[j] * y
        S = y[G.argmin()]
        levels.append(float(S))
        stage = _next_stage(y, G, float(S), above[j])
    return BaseStock(np.array(levels), float(G.min()))


def _next_stage(y: Floats, G: Floats, S: float, h: float) -> Callable[[Floats], Floats]:
    return lambda u: h * u + np.interp(np.minimum(S, u), y, G)


def _demand(n: int, mean: float, sd: float, step: float, *, clipped: bool) -> tuple[int, Floats]:
    """Return the smallest demand of n periods in steps, and the probabilities from there on."""
    if clipped:
        k = np.arange(round((mean + 9 * sd) / step) + 1)
        one = np.diff(norm.cdf(np.append(k, k[-1] + 1) * step - step / 2, mean, sd))
        one[0] = norm.cdf(step / 2, mean, sd)  # all below zero, too
        weight = np.ones(1)
        for _ in range(n):
            weight = fftconvolve(weight, one)
        offset = 0
    else:
        centre, width = n * mean / step, 9 * sd * sqrt(n) / step
        offset = int(np.floor(centre - width))
        k = np.arange(offset, int(np.ceil(centre + width)) + 2)
        weight = np.diff(norm.cdf((k - 0.5) * step, n * mean, sqrt(n) * sd))
    return offset, weight / weight.sum()


def _expected(value: Floats, offset: int, weight: Floats) -> Floats:
    """Return E f(y - D) on the grid, with f continued by straight lines on either side."""
    left, right = len(weight) - 1 + max(offset, 0), max(-offset, 0)
    before = value[0] + (value[0] - value[1]) * np.arange(left, 0, -1)
    after = value[-1] + (value[-1] - value[-2]) * np.arange(1, right + 1)
    whole = np.concatenate((before, value, after))
    # Entry i of a valid convolution is the sum over k of weight[k] whole[i + len(weight) - 1 - k].
    first = left - (len(weight) - 1) - offset
    return fftconvolve(whole, weight, mode="valid")[first : first + len(value)]


def transshipment_bound(
    sd: Sequence[float], correlation: float, store_lead: int, lead: int, p: float, h: float = 1.0
) -> float:
    """Return a lower bound of the cost per period of all stores behind a centre without stock.

    As if stock could be moved between stores for nothing on its last way (setting D):

        (h + p) phi(z) sqrt((L_s + 1) (sum_k sd_k)^2 + L_c 1' Sigma 1),    z = Phi^{-1}(p / (p + h))

    Parameters
    ----------
    sd
        Of the stores' demand; any two have the same correlation.
    store_lead, lead
        Lead times in periods of the stores, L_s, and of the centre, L_c.
    p, h
        Costs per unit and period of what is backlogged and what is left, equal for all stores.
    """
    spread = np.asarray(sd)
    together = (1 - correlation) * (spread**2).sum() + correlation * spread.sum() ** 2
    variance = (store_lead + 1) * spread.sum() ** 2 + lead * together
    z = norm.ppf(p / (p + h))
    return float((h + p) * norm.pdf(z) * sqrt(variance))
