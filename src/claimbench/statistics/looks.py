"""Looking at replicates before all of them are there: when, and at which level.

Four looks, a quarter of the error at each. By Bonferroni's inequality the probability of being
wrong at any of them is no larger than the error of one fixed sample, however the looks depend on
each other and wherever the looking stops. What it costs and saves is in `docs/statistics.md`.
"""

from __future__ import annotations

from claimbench.words import Verdict

#: Replicates at the looks, for a block of one.
LOOKS = (5, 10, 20, 40)


def spent(level: float, looks: int = len(LOOKS)) -> float:
    """Return the level of one of `looks` intervals that together err as one at `level` does."""
    return 1 - (1 - level) / looks


def look_sizes(replicates: int, block: int) -> tuple[int, ...]:
    """Return the numbers of replicates at which an experiment is looked at, the last its own.

    Parameters
    ----------
    replicates
        All that the experiment may take; a multiple of the block.
    block
        The unit of bits: a look lies at the end of one. 5, 10, 20 and 40 are rounded up.

    Notes
    -----
    Never more than four: above 40 replicates the earliest gives way to the last. One number means
    that there is no earlier look, so that nothing is looked at twice and no error is divided.
    """
    whole = {-(-n // block) * block for n in LOOKS}
    early = sorted(n for n in whole if n < replicates)
    return (*early, replicates)[-len(LOOKS) :]


def settled(verdict: Verdict, *, instances: bool) -> bool:
    """Return whether a claim with this verdict at a look asks for no more replicates.

    Parameters
    ----------
    instances
        Whether the claim is about each instance, without inference. There a counterexample ends
        the matter, and nothing else does: what holds so far may fail at the next instance.
    """
    return verdict == "not reproduced" if instances else verdict != "inconclusive"
