"""What looking early costs and saves: by simulation, and on the suite's accepted effects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import stats

from claimbench.checkout import papers
from claimbench.claim import Design
from claimbench.claim_file import read_claim_file
from claimbench.gate.accepted import AcceptedClaim, accepted_file, read_accepted
from claimbench.grid import design
from claimbench.record import ClaimRecord, Comparison
from claimbench.statistics.looks import LOOKS, look_sizes, settled
from claimbench.verdict import Effects, Judgement, Rule, conjunction, judge, with_control

Array = npt.NDArray[np.float64]
Row = tuple[object, ...]


def limits(x: Array, n: int, level: float) -> tuple[Array, Array]:
    """Return the t limits of the first n of each row, shape (draws,), without the engine."""
    head = x[:, :n]
    half = stats.t.ppf((1 + level) / 2, n - 1) * head.std(axis=1, ddof=1) / np.sqrt(n)
    return head.mean(axis=1) - half, head.mean(axis=1) + half


def superior(
    x: Array, margin: float, sizes: Sequence[int], level: float
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return verdicts, 1 reproduced, -1 not reproduced, 0 open, and replicates taken, (draws,)."""
    verdict = np.zeros(len(x), dtype=np.int64)
    taken = np.zeros(len(x), dtype=np.int64)
    for n in sizes:
        low, high = limits(x, n, level)
        now = np.where(low > 0, 1, np.where(high < margin, -1, 0))
        open_ = verdict == 0
        taken[open_] = n
        verdict[open_] = now[open_]
    return verdict, taken


@dataclass(frozen=True)
class Experiment:
    """An experiment of the suite, and what was accepted of its claims."""

    paper: str
    design: Design
    race: bool
    claims: Sequence[ClaimRecord]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Its looks; one where it is not looked at."""
        if self.race or self.design.deterministic:
            return (self.design.replicates,)
        return look_sizes(self.design.replicates, self.design.block)

    def rule(self, claim: ClaimRecord, *, looks: int) -> Rule:
        """Return a claim's rule; a magnitude is judged as the superiority that it is."""
        return Rule(
            kind="superiority" if claim.kind == "magnitude" else claim.kind,
            margin=claim.margin,
            threshold=claim.threshold,
            exact=self.design.deterministic,
            looks=looks,
        )

    def verdict(self, claim: ClaimRecord, n: int, *, looks: int) -> Judgement | None:
        """Return a claim's judgement on its first n replicates, None where no effects are kept."""
        subject = _columns(claim.against or [claim])
        control = _columns([claim.control])
        if subject is None or control is None:
            return None
        rule = self.rule(claim, looks=looks)

        def of(columns: Iterable[Array]) -> Judgement:
            rng = np.random.default_rng(0)
            parts = [
                judge(Effects.per_replicate(x[:n], n=len(x[:n])), rule, rng=rng) for x in columns
            ]
            return conjunction(parts)

        return with_control(of(subject), of(control))

    def taken(self) -> tuple[int, dict[str, str]]:
        """Return the replicates with which it ends, and each claim's verdict there."""
        looks = len(LOOKS) if len(self.sizes) > 1 else 1
        for n in self.sizes:
            found = {claim.id: self.verdict(claim, n, looks=looks) for claim in self.claims}
            ends = all(
                one is not None
                and settled(one.verdict, instances=self.rule(claim, looks=looks).instances)
                for claim, one in zip(self.claims, found.values(), strict=True)
            )
            if ends or n == self.sizes[-1]:
                break
        return n, {name: one.verdict for name, one in found.items() if one is not None}


def is_whole(claim: ClaimRecord) -> bool:
    """Whether all effects are finite: of an infinite one the record keeps no sign."""
    columns = _columns([*(claim.against or [claim]), claim.control])
    return columns is not None and all(np.isfinite(x).all() for x in columns)


def _columns(parts: Sequence[ClaimRecord | Comparison]) -> list[Array] | None:
    """Return the effects of all conditions that must hold, None where some are not kept."""
    columns = []
    for part in parts:
        for one in part.conditions or [part]:
            if not one.replicates:
                return None
            # What was infinite is undefined here: it counts against the claim, either way.
            columns.append(np.array([np.nan if v is None else v for v in one.replicates]))
    return columns


def experiments(root: Path) -> list[Experiment]:
    """Return the experiments of the standard profile that have accepted claims."""
    accepted = read_accepted(accepted_file(root, "standard")).claims
    found = []
    for files in papers(root):
        file = read_claim_file(files.claim_toml)
        own = [one for one in accepted.values() if one.claim.paper == files.id]
        for name, table in file.experiments.items():
            made = design(file.path, name, table, "standard")
            here = [one for one in own if one.claim.experiment == name]
            if made is not None and here:
                found.append(_experiment(files.id, made, here))
    return found


def _experiment(paper: str, made: Design, accepted: Sequence[AcceptedClaim]) -> Experiment:
    return Experiment(paper, made, accepted[0].race, [one.claim for one in accepted])


def saved_rows(root: Path) -> Iterator[Row]:
    """Yield, for each paper and for all, what ``--until-decided`` takes and what it changes."""
    total = np.zeros(6, dtype=np.int64)
    for paper, own in _by_paper(experiments(root)).items():
        row = np.array([_one(each) for each in own]).sum(axis=0)
        total += row
        yield (paper, *_shown(row))
    yield ("all", *_shown(total))


def _by_paper(found: Sequence[Experiment]) -> Mapping[str, list[Experiment]]:
    papers: dict[str, list[Experiment]] = {}
    for one in found:
        papers.setdefault(one.paper, []).append(one)
    return papers


def _one(each: Experiment) -> tuple[int, ...]:
    n, verdicts = each.taken()
    before = {claim.id: claim for claim in each.claims}
    looked_at = len(each.sizes) > 1
    fixed = {name: each.verdict(before[name], each.design.replicates, looks=1) for name in verdicts}
    changed = sum(
        judgement is not None and judgement.verdict != verdicts[name]
        for name, judgement in fixed.items()
    )
    registered = each.design.replicates if looked_at else 0
    return 1, int(looked_at), int(looked_at and n < registered), registered, n * looked_at, changed


def _shown(row: npt.NDArray[np.int64]) -> Row:
    experiments, looked_at, early, registered, taken, changed = (int(n) for n in row)
    saved = f"{1 - taken / registered:.0%}" if registered else "-"
    return experiments, looked_at, early, registered, taken, saved, changed
