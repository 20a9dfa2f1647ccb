"""Rounds of two checkouts by turns, and what their paired log-ratios say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from claimbench.duet.kernels import Kernel
from claimbench.evidence.pool import Pool, outcome_of
from claimbench.evidence.unit import Outcome
from claimbench.gate.finding import Finding, State
from claimbench.statistics.interval import Interval
from claimbench.statistics.trimmed import least_visible, rounds_needed, trimmed_interval

TOLERANCE = math.log(1.05)
LEVEL = 0.99
ROUNDS = 10
#: A slowdown of this should be found nineteen times out of twenty: where the first rounds are too
#: noisy for that, there are more of them: twice ROUNDS, or what so many seconds have room for.
SEEN, POWER, SECONDS = math.log(1.10), 0.95, 60.0
#: Pairs of processes that share the rounds: a layout of memory is luck, and several are less of it.
SESSIONS = 2
_BUDGET = 600.0


@dataclass(frozen=True, slots=True)
class Duet:
    """One kernel in two checkouts.

    Attributes
    ----------
    ratios
        Round by round, ln of head's seconds over base's.
    seconds
        Medians, base's and head's.
    lost
        Why there are no ratios; empty where there are.
    """

    kernel: Kernel
    ratios: tuple[float, ...]
    seconds: tuple[float, float]
    lost: str = ""

    @property
    def interval(self) -> Interval:
        """Of the trimmed mean log-ratio: a round that was disturbed does not decide."""
        return trimmed_interval(self.ratios, level=LEVEL)


def play(kernel: Kernel, base: Path, head: Path, *, rounds: int = ROUNDS) -> Duet:
    """Time a kernel in both checkouts, `rounds` times each, after a warm-up of both."""
    times: list[tuple[float, float]] = []
    for session in range(SESSIONS):
        pools = [Pool(1, root=root, pinned=True) for root in (base, head)]
        try:
            sides = list(zip(pools, (base, head), strict=True))
            for pool, root in sides:
                warm = _once(pool, kernel, root)
                if warm.status != "ok":
                    where = "base" if root == base else "head"
                    return Duet(kernel, (), (math.nan, math.nan), f"{where}: {warm.reason}")
            for number in range(rounds // SESSIONS):
                order = sides if (number + session) % 2 else sides[::-1]
                found = {root: _once(pool, kernel, root).seconds for pool, root in order}
                times.append((found[base], found[head]))
        finally:
            for pool in pools:
                pool.close()
    ratios = tuple(math.log(after / before) for before, after in times)
    middle = len(times) // 2
    medians = (sorted(t[0] for t in times)[middle], sorted(t[1] for t in times)[middle])
    return Duet(kernel, ratios, medians)


def _once(pool: Pool, kernel: Kernel, root: Path) -> Outcome:
    return outcome_of(pool.submit(kernel.at(root), budget=_BUDGET), budget=_BUDGET)


def asked(found: Duet) -> int:
    """Return how many rounds would find a slowdown of SEEN, as these spread; no more: enough."""
    done = len(found.ratios)
    needed = rounds_needed(found.ratios, effect=SEEN, tolerance=TOLERANCE, level=LEVEL, power=POWER)
    affordable = max(2 * ROUNDS, int(SECONDS / sum(found.seconds)))
    if done >= 2 * ROUNDS and needed <= done:
        return done
    # At least twice as many: the spread of a few rounds is itself uncertain.
    return min(max(needed, 2 * done), affordable)


def look(kernel: Kernel, base: Path, head: Path, *, rounds: int = ROUNDS) -> Duet:
    """Play, and play anew and longer while that could matter."""
    found = play(kernel, base, head, rounds=rounds)
    while not found.lost and found.interval.low <= TOLERANCE < found.interval.high:
        if (more := asked(found)) <= len(found.ratios):
            break
        found = play(kernel, base, head, rounds=more)
    return found


def judge(kernel: Kernel, base: Path, head: Path, *, rounds: int = ROUNDS) -> Finding:
    """Look, and look a second time before it fails."""
    found = look(kernel, base, head, rounds=rounds)
    if found.lost:
        return Finding(kernel.name, "inconclusive", f"not timed: {found.lost}")
    state = _state(found)
    if state == "regressed":
        again = look(kernel, base, head, rounds=len(found.ratios))
        if again.lost or _state(again) != "regressed":
            return _finding(found, "inconclusive", "; a second look does not confirm it")
        return _finding(found, state, "; a second look confirms it")
    return _finding(found, state, "")


def _state(found: Duet) -> State:
    if found.interval.low > TOLERANCE:
        return "regressed"
    return "improved" if found.interval.high < -TOLERANCE else "ok"


def _finding(found: Duet, state: State, more: str) -> Finding:
    interval = found.interval
    ratio, low, high = (math.expm1(x) for x in (interval.value, interval.low, interval.high))
    visible = math.expm1(least_visible(found.ratios, tolerance=TOLERANCE, level=LEVEL))
    before, after = found.seconds
    return Finding(
        name=found.kernel.name,
        state=state,
        reason=f"{ratio:+.1%} seconds, {LEVEL:.0%} interval {low:+.1%} to {high:+.1%} over"
        f" {len(found.ratios)} rounds; a slowdown of {visible:.0%} would be seen{more}",
        before=f"{before:.3g} s",
        after=f"{after:.3g} s",
        timed=True,
        paper=f"{found.kernel.unit.domain}/{found.kernel.unit.slug}",
        experiment=found.kernel.unit.experiment,
        visible=visible,
    )


def duet(kernels: Sequence[Kernel], base: Path, head: Path) -> list[Finding]:
    """Return a finding for each kernel, played one after another, alone."""
    return [judge(kernel, base, head) for kernel in kernels]
