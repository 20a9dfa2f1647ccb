"""Slowdowns put into a kernel of the suite: does the duet find them?

The kernel is mirror descent in last_iterate's sweep, at a horizon that takes about twice as long as
the shortest kernel that is to be told: what sixty tries take is then half an hour. A slowdown is
repeated work: the first tenth, or fifth, of its iterations is run twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from telling import Tell, of
from toy import edit, imports_of_its_own

from claimbench.duet.kernels import Kernel, kernels
from claimbench.duet.rounds import judge
from claimbench.duet.worktrees import checkout
from claimbench.gate.finding import Finding

ROOT = Path(__file__).parents[2]
CLAIM = "last_iterate/schedule-is-linear-lr"
METHOD = "suite/optimization/last_iterate/method.py"
LOOP = "for t in range(1, len(eta) + 1):"
CELL = {"instance": "constant", "T": 512}
TRIES = 20
#: Seconds; a kernel that is over sooner is timed less well.
LEAST = 0.02


def repeated(part: int) -> str:
    """Return the loop that runs the first of so many parts twice."""
    return f"for t in (*range(1, len(eta) // {part} + 1), *range(1, len(eta) + 1)):"


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Kernel, Path, Path]]:
    """Return the kernel and two checkouts of the same commit."""
    with checkout(ROOT, "HEAD") as base, checkout(ROOT, "HEAD") as head:
        with imports_of_its_own():
            [kernel] = kernels(head, [CLAIM], profile="standard")
        yield replace(kernel, unit=replace(kernel.unit, cells=(CELL,))), base, head


def test_the_slowdown_still_applies() -> None:
    """The loop is there, once, and what it becomes is Python."""
    text = (ROOT / METHOD).read_text(encoding="utf-8")

    assert text.count(LOOP) == 1
    compile(text.replace(LOOP, repeated(10)), METHOD, "exec")


def tried(pair: tuple[Kernel, Path, Path], loop: str) -> list[Finding]:
    """Return what the duet says, try after try, and print it: a long silence tells nobody."""
    kernel, base, head = pair
    edit(head / METHOD, (LOOP, loop))
    try:
        findings = []
        for _ in range(TRIES):
            findings.append(judge(kernel, base, head))
            print(findings[-1].state, findings[-1].reason, flush=True)  # noqa: T201  see above
        return findings
    finally:
        edit(head / METHOD, (loop, LOOP))


@pytest.mark.exam
@pytest.mark.parametrize(("percent", "part", "least"), [(10, 10, 16), (20, 5, 19)])
def test_slowdowns_exam(
    pair: tuple[Kernel, Path, Path], tell: Tell, percent: int, part: int, least: int
) -> None:
    """10% in at least 16 of 20 tries, 20% in at least 19."""
    findings = tried(pair, repeated(part))
    count = sum(one.state == "regressed" for one in findings)
    visible = sorted(one.visible for one in findings if one.visible is not None)
    seconds = min(float(one.before.removesuffix(" s")) for one in findings)
    tell(
        f"duet, {percent}% more work in a kernel of {1000 * seconds:.0f} ms, found",
        f"{of(count, TRIES)}; smallest slowdown seen: {visible[len(visible) // 2]:.0%} (median)",
        f"at least {least} of {TRIES}",
    )

    assert seconds >= LEAST
    assert count >= least, [one.reason for one in findings]


@pytest.mark.exam
def test_no_slowdown_exam(pair: tuple[Kernel, Path, Path], tell: Tell) -> None:
    """A comment makes nothing slower, 20 times out of 20."""
    findings = tried(pair, f"{LOOP}  # A comment.")
    count = sum(one.state == "regressed" for one in findings)
    tell("duet, no more work, called slower", of(count, TRIES), f"0 of {TRIES}")

    assert count == 0, [one.reason for one in findings]
