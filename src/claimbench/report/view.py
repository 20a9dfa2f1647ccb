"""What the templates show: a record turned into words, positions and links, without any drawing."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from claimbench.report import forest
from claimbench.report.conditions import Conditions, conditions_of
from claimbench.report.numerals import (
    counted,
    listed,
    memory,
    number,
    seconds,
    value_and_limits,
)
from claimbench.report.rules import region, rule
from claimbench.statistics.power import CAP

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from claimbench.record import ClaimRecord, Comparison, Effect, Record
    from claimbench.report.palette import Mark


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a claim's forest plot."""

    name: str
    mark: Mark | None
    role: str
    verdict: str
    bar: forest.Bar | None
    value: str
    limits: str
    n: int | None
    where: str
    reason: str
    pin: str
    pin_anchor: str


@dataclass(frozen=True, slots=True)
class ClaimView:
    """A claim with everything that its section and its line of the overview say."""

    record: ClaimRecord
    anchor: str
    name: str
    rows: tuple[Row, ...]
    frame: forest.Frame
    conditions: Conditions
    mini: forest.Bar | None
    mini_frame: forest.Frame
    value: str
    limits: str
    interval_words: str
    rule: str
    margin: str
    p_value: str
    needed: str
    where: str
    experiment_anchor: str
    rerun: str
    cost: str
    memory: str
    replicates: str
    banners: tuple[str, ...]


def anchors(prefix: str, names: Iterable[str]) -> dict[str, str]:
    """Return an id for each name that is valid in HTML and links, and different for each."""
    made: dict[str, str] = {}
    for name in names:
        base = prefix + re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-")
        taken, anchor, count = set(made.values()), base, 2
        while anchor in taken:
            anchor, count = f"{base}-{count}", count + 1
        made[name] = anchor
    return made


def claim_views(
    record: Record,
    marks: Mapping[tuple[str, str], Mark],
    experiments: Mapping[str, str],
    pin_links: Mapping[str, str],
) -> list[ClaimView]:
    """Return the views of all claims, in the record's order.

    Parameters
    ----------
    marks
        (Paper, contender) -> its mark.
    experiments
        ``<paper>/<experiment>`` -> its anchor.
    pin_links
        ``<paper>/<pin>`` -> its anchor.
    """
    links = anchors("claim-", (claim.id for claim in record.claims))
    pins = {(c.paper, c.experiment, c.name): c.pin or "" for c in record.contenders}
    views = []
    for claim in record.claims:
        asked = region(claim)
        deciding = [c.effect for c in claim.against] + [claim.effect]
        dots = [] if _is_success(claim) else claim.replicates
        others = [c.effect for c in (claim.control, *claim.candidates)]
        frame = forest.frame(asked, deciding, others, dots)
        mini_frame = forest.frame(asked, [claim.effect])
        value, limits = value_and_limits(claim.effect)
        views.append(
            ClaimView(
                record=claim,
                anchor=links[claim.id],
                name=claim.id.partition("/")[2] or claim.id,
                rows=tuple(_rows(claim, frame, marks, pins, pin_links, dots)),
                frame=frame,
                conditions=conditions_of(claim, asked),
                mini=None if claim.effect is None else forest.bar(mini_frame, claim.effect),
                mini_frame=mini_frame,
                value=value,
                limits=limits,
                interval_words="" if claim.effect is None else forest.interval_words(claim.effect),
                rule=rule(claim),
                margin=number(claim.margin),
                p_value=_p_value(claim),
                needed=_needed(claim),
                where=settings_words(claim.where),
                experiment_anchor=experiments.get(f"{claim.paper}/{claim.experiment}", ""),
                rerun=rerun(record, claim.paper, claim.id.partition("/")[2] or claim.id),
                cost=seconds(claim.seconds),
                memory=memory(claim.peak_memory_bytes),
                replicates=_replicates(claim),
                banners=tuple(_banners(claim)),
            )
        )
    return views


def _is_success(claim: ClaimRecord) -> bool:
    return claim.kind == "success" or bool(
        claim.effect is not None and claim.effect.interval == "wilson"
    )


def _rows(
    claim: ClaimRecord,
    frame: forest.Frame,
    marks: Mapping[tuple[str, str], Mark],
    pins: Mapping[tuple[str, str, str], str],
    pin_links: Mapping[str, str],
    dots: list[float | None],
) -> Iterable[Row]:
    """Yield the subject, its opponents, the control and the candidates."""

    def row(
        name: str,
        role: str,
        verdict: str,
        effect: Effect | None,
        *,
        where: Mapping[str, Any] | None = None,
        reason: str = "",
        replicates: list[float | None] | None = None,
    ) -> Row:
        value, limits = value_and_limits(effect)
        pin = pins.get((claim.paper, claim.experiment, name), "")
        return Row(
            name=name,
            mark=marks.get((claim.paper, name)),
            role=role,
            verdict=verdict,
            bar=None if effect is None else forest.bar(frame, effect, replicates or []),
            value=value,
            limits=limits,
            n=None if effect is None else effect.n,
            where=settings_words(where or {}),
            reason=reason,
            pin=pin,
            pin_anchor=pin_links.get(f"{claim.paper}/{pin}", ""),
        )

    def compared(comparison: Comparison, role: str) -> Row:
        return row(
            comparison.contender,
            role,
            comparison.verdict,
            comparison.effect,
            where=comparison.where,
            reason=comparison.reason,
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
        yield compared(candidate, "candidate")


def _replicates(claim: ClaimRecord) -> str:
    """Return what the dots don't show."""
    lost = sum(value is None for value in claim.replicates)
    if not claim.replicates:
        return "The estimand is one number for the whole sample: no effect per replicate."
    if _is_success(claim):
        hits = sum(value == 1 for value in claim.replicates)
        return f"{hits:,} of {counted(len(claim.replicates), 'replicate')} succeed."
    shown = f"Dots: the effect of each of {counted(len(claim.replicates), 'replicate')}."
    return f"{shown} {lost} of them not finite, and not drawn." if lost else shown


def _p_value(claim: ClaimRecord) -> str:
    """Return the p-value; one that is zero in floating point is only known to be tiny."""
    if claim.p_value is None:
        return ""
    return number(claim.p_value, 2) if claim.p_value else "below 10⁻³⁰⁰"


def _needed(claim: ClaimRecord) -> str:
    """Return what would settle an inconclusive claim; empty when nothing is known."""
    if claim.needed is None:
        return ""
    if claim.needed >= CAP:
        return f"{CAP:,} replicates or more: patience alone won't"
    return f"about {claim.needed:,} replicates, with --replicates {claim.needed}"


def _banners(claim: ClaimRecord) -> Iterable[str]:
    if claim.verdict == "void":
        yield (
            "Void: the control passes the claim's own rule, so this setup can't tell the method"
            " from one that lacks its key ingredient. The effect below proves nothing."
        )
    if claim.effect is None:
        yield "No effect could be estimated; the verdict's sentence says why."
    if not claim.holm:
        yield (
            "Holm: on its own this claim is reproduced, but it does not survive Holm's correction"
            " over all primary claims of this run."
        )


def settings_words(where: Mapping[str, Any]) -> str:
    """Return settings as ``gamma = 10, k = 2 or 4``."""

    def one(value: Any) -> str:
        if isinstance(value, (list, tuple)):
            return listed([one(item) for item in value], "or")
        if isinstance(value, float):
            return number(value, 6)
        return str(value)

    return ", ".join(f"{name} = {one(value)}" for name, value in where.items())


def rerun(record: Record, paper: str, keyword: str = "") -> str:
    """Return the command that runs a paper, or one claim of it, again."""
    words = ["pytest", f"suite/{paper}", "--benchmark-only", "--profile", record.profile]
    if record.device != "cpu":
        words += ["--device", record.device]
    if keyword:
        words += ["-k", keyword]
    return shlex.join(words)


def flattened(facts: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return nested facts as (name, text), without those that are null or empty."""
    rows: list[tuple[str, str]] = []
    for name, value in facts.items():
        label = f"{prefix}{name}".replace("_", " ")
        if isinstance(value, dict):
            rows += flattened(value, f"{label} ")
        elif isinstance(value, (list, tuple)):
            rows.append((label, ", ".join(str(item) for item in value)))
        elif value is not None and value != "":
            rows.append((label, number(value, 6) if isinstance(value, float) else str(value)))
    return rows
