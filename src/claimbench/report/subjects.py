"""The subjects of a claim: the method, its opponents, the control and candidates, a line each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import exp, log
from typing import TYPE_CHECKING, Any

from claimbench.report import forest
from claimbench.report.numerals import counted, listed, memory, number, seconds, value_and_limits
from claimbench.wording import source_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from claimbench.record import ClaimRecord, Comparison, ContenderRecord, Effect, Record
    from claimbench.report.palette import Mark

# Units whose effects are logarithms of a paired ratio, such as "ln of the throughput ratio".
_LOGARITHM = re.compile(r"(ln|log10) of the (.*\bratio\b.*)")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a claim's forest plot.

    Attributes
    ----------
    ratio
        The effect as a ratio, where its unit is the logarithm of one.
    tuned
        Whether the engine tuned it.
    """

    name: str
    mark: Mark | None
    role: str
    verdict: str
    bar: forest.Bar | None
    value: str
    limits: str
    ratio: str
    n: int | None
    where: str
    pin: str
    pin_anchor: str
    tuned: bool


@dataclass(frozen=True, slots=True)
class Known:
    """What the rows of all claims share.

    Attributes
    ----------
    marks
        (Paper, contender) -> its mark.
    pin_links
        ``<paper>/<pin>`` -> its anchor.
    contenders
        (Paper, experiment, contender) -> its record.
    tuning
        (Paper, experiment) -> the tuning of its design, if any.
    """

    marks: Mapping[tuple[str, str], Mark]
    pin_links: Mapping[str, str]
    contenders: Mapping[tuple[str, str, str], ContenderRecord]
    tuning: Mapping[tuple[str, str], Mapping[str, Any]]


def known(
    record: Record, marks: Mapping[tuple[str, str], Mark], pin_links: Mapping[str, str]
) -> Known:
    """Gather what the rows of a record's claims share."""
    return Known(
        marks,
        pin_links,
        {(c.paper, c.experiment, c.name): c for c in record.contenders},
        {
            (paper.id, name): design.get("tuning") or {}
            for paper in record.papers
            for name, design in paper.experiments.items()
        },
    )


def rows(
    claim: ClaimRecord, frame: forest.Frame, known: Known, dots: list[float | None]
) -> Iterator[Row]:
    """Yield the subject, its opponents, the control and the candidates.

    Parameters
    ----------
    dots
        Effects of the method's replicates, as far as they are drawn.
    """

    def row(
        name: str,
        role: str,
        verdict: str,
        effect: Effect | None,
        *,
        where: Mapping[str, Any] | None = None,
        replicates: list[float | None] | None = None,
    ) -> Row:
        value, limits = value_and_limits(effect)
        contender = known.contenders.get((claim.paper, claim.experiment, name))
        pin = (contender.pin or "") if contender is not None else ""
        return Row(
            name=name,
            mark=known.marks.get((claim.paper, name)),
            role=role,
            verdict=verdict,
            bar=None if effect is None else forest.bar(frame, effect, replicates or []),
            value=value,
            limits=limits,
            ratio=ratio_words(effect, claim.effect.unit if claim.effect is not None else ""),
            n=None if effect is None else effect.n,
            where=settings_words(where or {}),
            pin=pin,
            pin_anchor=known.pin_links.get(f"{claim.paper}/{pin}", ""),
            tuned=contender is not None and bool(contender.grid or contender.tuned),
        )

    def compared(comparison: Comparison, role: str) -> Row:
        return row(
            comparison.contender,
            role,
            comparison.verdict,
            comparison.effect,
            where=comparison.where,
        )

    role = "method" if not claim.against else "method, the weakest of the comparisons below"
    if len(claim.against) == 1:
        role = f"method, against {claim.against[0].contender}"
    yield row(claim.method, role, claim.verdict, claim.effect, replicates=dots)
    if len(claim.against) > 1:
        for opponent in claim.against:
            yield compared(opponent, "the method against this opponent")
    yield compared(claim.control, "control")
    for candidate in claim.candidates:
        name = candidate.contender
        opponents = [one.contender for one in candidate.against if one.contender != claim.method]
        met = f"candidate, against {listed(opponents)}" if opponents else "candidate"
        yield compared(candidate, met)
        for one in candidate.against:
            if one.contender == claim.method or len(opponents) > 1:
                whom = "the method" if one.contender == claim.method else "this opponent"
                yield compared(one, f"candidate {name} against {whom}")


@dataclass(frozen=True, slots=True)
class Participant:
    """A contender that a claim needs: where it comes from, how it was tuned, what it cost."""

    name: str
    mark: Mark | None
    part: str
    pin: str
    pin_anchor: str
    source: str
    tuned: str
    budget: str
    cost: str
    memory: str


def participants(claim: ClaimRecord, known: Known) -> Iterator[Participant]:
    """Yield the contenders that a claim needs, each once."""
    parts = [(claim.method, "method")]
    parts += [(comparison.contender, "opponent") for comparison in claim.against]
    parts += [(claim.control.contender, "control")]
    parts += [(comparison.contender, "candidate") for comparison in claim.candidates]
    plan = known.tuning.get((claim.paper, claim.experiment), {})
    roles: dict[str, list[str]] = {}
    for name, part in parts:
        roles.setdefault(name, []).append(part)
    for name, own in roles.items():
        contender = known.contenders.get((claim.paper, claim.experiment, name))
        if contender is None:
            continue
        pin = contender.pin or ""
        over = [f"{key} in {{{one(list(values))}}}" for key, values in contender.grid.items()]
        yield Participant(
            name=name,
            mark=known.marks.get((claim.paper, name)),
            part=listed(own),
            pin=pin,
            pin_anchor=known.pin_links.get(f"{claim.paper}/{pin}", ""),
            source=source_words(contender.source),
            tuned="; ".join(over) or ("yes" if contender.tuned else "nothing"),
            budget=_budget(plan) if contender.grid or contender.tuned else "",
            cost=seconds(contender.seconds or None),
            memory=memory(contender.peak_memory_bytes),
        )


def _budget(plan: Mapping[str, Any]) -> str:
    """Return the budget of tuning, which is the same for every contender of an experiment."""
    trials, replicates = plan.get("trials"), plan.get("replicates")
    if not isinstance(trials, int):
        return ""
    words = f"{counted(trials, 'trial')} a cell"
    if isinstance(replicates, int):
        words += f", {counted(replicates, 'replicate')} each"
    return words + (f", by {plan['criterion']}" if plan.get("criterion") else "")


def ratio_words(effect: Effect | None, unit: str) -> str:
    """Return an effect that is the logarithm of a paired ratio as that ratio, with its limits."""
    found = _LOGARITHM.fullmatch(unit)
    if found is None or effect is None or effect.value is None:
        return ""
    scale = 1.0 if found[1] == "ln" else log(10.0)
    if scale * max(abs(x) for x in (effect.value, effect.low, effect.high) if x is not None) > 300:
        return ""  # no number that anybody could read
    middle = number(exp(scale * effect.value))
    low = "0" if effect.low is None else number(exp(scale * effect.low))
    high = "∞" if effect.high is None else number(exp(scale * effect.high))
    limits = "" if effect.interval == "none" else f" [{low}, {high}]"
    return f"{found[2]}: {middle}{limits}"


def settings_words(where: Mapping[str, Any]) -> str:
    """Return settings as ``gamma = 10, k = 2 or 4``."""
    return ", ".join(f"{name} = {one(value, 'or')}" for name, value in where.items())


def one(value: Any, joint: str = "") -> str:
    """Return the value of a setting as text; several are listed."""
    if isinstance(value, (list, tuple)):
        words = [one(item, joint) for item in value]
        return listed(words, joint) if joint else ", ".join(words)
    if isinstance(value, float):
        return number(value, 6)
    return str(value)
