"""From evidence to verdicts: each claim of a paper, its opponents and its control."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from claimbench import comparison
from claimbench.binding import Paper, control_where
from claimbench.claim import Claim
from claimbench.comparison import joined, unheard
from claimbench.errors import ClaimbenchError
from claimbench.estimation import Estimation
from claimbench.evidence.context import Context
from claimbench.evidence.job import ContenderEvidence
from claimbench.evidence.source import Sources
from claimbench.evidence.table import Subject, subject
from claimbench.goalposts import claim_hash, rules
from claimbench.grid import select
from claimbench.record import ClaimRecord, Comparison
from claimbench.schema import finite
from claimbench.statistics.holm import holm
from claimbench.statistics.looks import settled
from claimbench.verdict import Judgement, judge, with_control

Evidence = Mapping[tuple[str, str], ContenderEvidence]


@dataclass(frozen=True, slots=True)
class Judged:
    """The claims of a run that could be judged, and what could not.

    Attributes
    ----------
    not_judged
        ``<slug>/<claim>`` -> why: a contender was deselected, or the run ended before it.
    errors
        Estimands that raised, in the words of their errors.
    """

    claims: tuple[ClaimRecord, ...]
    not_judged: dict[str, str]
    errors: tuple[str, ...]


def judge_claims(
    papers: Iterable[Paper], evidence: Mapping[str, Evidence], context: Context | None = None
) -> Judged:
    """Judge every claim whose contenders all have evidence.

    Parameters
    ----------
    papers
        Bound at the profile of the run.
    evidence
        Paper's id -> (experiment, contender) -> evidence.
    context
        Of the run, in whose store resamples are kept; without it they are kept nowhere.
    """
    sources: dict[Path, Sources] = {}
    claims: list[ClaimRecord] = []
    not_judged: dict[str, str] = {}
    errors: list[str] = []
    for paper in papers:
        shared = sources.setdefault(paper.files.root, Sources(paper.files.root))
        court = Court(paper, evidence.get(paper.id, {}), shared, context)
        own: list[ClaimRecord] = []
        for claim in paper.claims:
            name = f"{paper.files.slug}/{claim.id}"
            absent = court.absent(claim)
            if absent:
                not_judged[name] = f"no evidence of {', '.join(absent)}"
            elif paper.profile == "smoke":
                not_judged[name] = "the smoke profile judges nothing"
                errors += court.rehearse(claim)
            else:
                record, error = court.judge(claim)
                own.append(record)
                errors += error
        claims += [_required(record, own) for record in own]
    return Judged(_corrected(claims), not_judged, tuple(errors))


class Court:
    """Judges the claims of one paper."""

    def __init__(
        self,
        paper: Paper,
        evidence: Evidence,
        sources: Sources | None = None,
        context: Context | None = None,
    ) -> None:
        self._paper = paper
        self._evidence = evidence
        self._rules = rules(paper)
        self._sources = sources or Sources(paper.files.root)
        self._estimation = Estimation(paper.id, self._sources, context)
        self._subjects: dict[tuple[str, str], Subject] = {}

    def absent(self, claim: Claim) -> list[str]:
        """Return the contenders without evidence that the claim needs."""
        return [n for n in claim.contenders if (claim.experiment, n) not in self._evidence]

    def rehearse(self, claim: Claim) -> list[str]:
        """Call the estimand and judge nothing: smoke shows that the path is clear."""
        if self._lost(claim, claim.contenders) is None:
            try:
                # The cells that the claim is about may be too large for smoke.
                self._judgements(claim, claim.method, claim.where, elsewhere=True)
            except ClaimbenchError as error:
                return [f"claim {claim.id}: {error}"]
        return []

    def asks_for_more(self, claim: Claim) -> bool:
        """Whether further replicates could settle the claim, what it requires apart."""
        if self.absent(claim) or self._lost(claim, claim.contenders) is not None:
            return False
        record, errors = self.judge(claim)
        instances = self._rules[claim.id].instances
        return not errors and not settled(record.verdict, instances=instances)

    def judge(self, claim: Claim) -> tuple[ClaimRecord, list[str]]:
        """Return the verdict, and the errors of the estimand."""
        lost = self._lost(claim, (claim.method, *claim.against))
        if lost is not None:
            record = self._record(claim, unheard(lost), {}, unheard(lost))
            return replace(record, candidates=self._candidates(claim, unheard(lost), lost)), []
        try:
            parts = self._judgements(claim, claim.method, claim.where)
            whole = joined(parts)
            lost = self._lost(claim, (claim.subject_of_control,))
            if lost is not None:
                control = unheard(lost)
            else:
                where = control_where(claim)
                control = joined(self._judgements(claim, claim.subject_of_control, where))
        except ClaimbenchError as error:
            nothing = unheard(f"the estimand {claim.estimand} can't be evaluated: {error}")
            return self._record(claim, nothing, {}, nothing), [f"claim {claim.id}: {error}"]
        record = self._record(claim, with_control(whole, control), parts, control)
        return replace(record, candidates=self._candidates(claim, control)), []

    def _candidates(
        self, claim: Claim, control: Judgement, why: str | None = None
    ) -> list[Comparison]:
        """Judge each candidate by the claim's rule, unless there is a reason why not.

        One that can't be judged costs no other contender its verdict.
        """
        found = []
        against = (*claim.against, claim.method) if claim.against else ("",)
        for contender in self._paper.experiments[claim.experiment].contenders.values():
            name = contender.name
            if contender.role != "candidate" or (claim.experiment, name) not in self._evidence:
                continue
            lost = self._lost(claim, (name,)) or why
            try:
                parts = (
                    self._judgements(claim, name, claim.where, against, like=claim.method)
                    if lost is None
                    else dict.fromkeys(against, unheard(lost))
                )
            except ClaimbenchError as error:
                lost = f"the estimand {claim.estimand} can't be evaluated: {error}"
                parts = dict.fromkeys(against, unheard(lost))
            found.append(comparison.candidate(claim, name, parts, control))
        return found

    def _lost(self, claim: Claim, names: Iterable[str]) -> str | None:
        for name in names:
            evidence = self._evidence[claim.experiment, name]
            if evidence.status != "ok":
                return f"contender {name} is {evidence.status}: {evidence.reason}"
        return None

    def _subject(
        self, experiment: str, name: str, where: Mapping[str, Any], *, elsewhere: bool, like: str
    ) -> Subject:
        key = (experiment, name)
        if key not in self._subjects:
            self._subjects[key] = subject(self._evidence[key], self._paper.designs[experiment])
        played, met = (self._paper.cells_of(experiment, one) for one in (name, like))
        cells = [index for index in select(played, where) if name == like or played[index] in met]
        return self._subjects[key] if elsewhere and not cells else self._subjects[key].at(cells)

    def _judgements(
        self,
        claim: Claim,
        name: str,
        where: Mapping[str, Any],
        against: Sequence[str] = (),
        *,
        elsewhere: bool = False,
        like: str = "",
    ) -> dict[str, Judgement]:
        """Judge one subject against each opponent, or alone (under an empty name).

        With `elsewhere`, whoever has none of these cells is taken at all that it has; with `like`,
        the subject is taken at the cells of another contender.
        """
        rule = self._rules[claim.id]
        own = self._subject(claim.experiment, name, where, elsewhere=elsewhere, like=like or name)
        found = {}
        for opponent in against or claim.against or ("",):
            sides = [own]
            if opponent:
                sides.append(
                    self._subject(
                        claim.experiment, opponent, where, elsewhere=elsewhere, like=opponent
                    )
                )
            effects = self._estimation.effects(
                self._paper.estimands[claim.id],
                sides,
                n=self._paper.designs[claim.experiment].replicates,
            )
            found[opponent] = judge(effects, rule, rng=_rng(self._paper.id, claim.id))
        return found

    def _record(
        self,
        claim: Claim,
        judgement: Judgement,
        parts: Mapping[str, Judgement],
        control: Judgement,
    ) -> ClaimRecord:
        used = [self._evidence[claim.experiment, name] for name in claim.contenders]
        peaks = [one.peak_memory_bytes for one in used if one.peak_memory_bytes is not None]
        look = self._paper.designs[claim.experiment].look
        return ClaimRecord(
            id=f"{self._paper.files.slug}/{claim.id}",
            paper=self._paper.id,
            kind=claim.kind,
            scale=claim.scale,
            primary=claim.primary,
            claim_hash=claim_hash(self._paper, claim, self._sources),
            verdict=judgement.verdict,
            reason=f"{judgement.reason} {look.sentence}" if look else judgement.reason,
            effect=comparison.effect(judgement.interval, claim.unit),
            margin=claim.margin,
            holm=True,
            control=comparison.comparison(
                claim.subject_of_control, control, claim.unit, control_where(claim)
            ),
            against=[
                comparison.comparison(name, part, claim.unit, claim.where)
                for name, part in parts.items()
                if name
            ],
            candidates=[],
            replicates=[finite(value) for value in judgement.replicates],
            seconds=sum(one.seconds for one in used),
            peak_memory_bytes=max(peaks, default=None),
            statement=claim.statement,
            source=claim.source,
            printed=claim.printed,
            experiment=claim.experiment,
            where=dict(claim.where),
            estimand=claim.estimand,
            method=claim.method,
            threshold=claim.threshold,
            scale_reason=claim.scale_reason,
            p_value=finite(judgement.p_value),
            needed=judgement.needed,
            tags=list(judgement.tags),
            conditions=comparison.conditions(judgement, claim.unit),
            requires=[f"{self._paper.files.slug}/{name}" for name in claim.requires],
            look=look,
        )


def _required(record: ClaimRecord, own: Sequence[ClaimRecord]) -> ClaimRecord:
    """Return the record, inconclusive where what it requires does not hold."""
    verdicts = {other.id: other.verdict for other in own}
    for name in record.requires:
        found = verdicts.get(name, "not judged")
        if found != "reproduced":
            told = f"Means nothing unless {name} holds, which is {found}."
            return replace(
                record,
                verdict="inconclusive",
                reason=f"{told} {record.reason}",
                p_value=None,
                needed=None,
                candidates=[
                    replace(one, verdict="inconclusive", reason=f"{told} {one.reason}")
                    for one in record.candidates
                ],
            )
    return record


def _rng(paper: str, claim: str) -> np.random.Generator:
    words = np.frombuffer(hashlib.sha256(f"{paper}\0{claim}".encode()).digest(), dtype="<u4")
    return np.random.default_rng([int(word) for word in words])


def _corrected(claims: Sequence[ClaimRecord]) -> tuple[ClaimRecord, ...]:
    """Mark the primary claims that Holm's correction would not call reproduced."""
    survives = holm({c.id: c.p_value for c in claims if c.primary and c.p_value is not None})
    return tuple(
        replace(claim, holm=claim.verdict != "reproduced" or survives.get(claim.id, True))
        for claim in claims
    )
