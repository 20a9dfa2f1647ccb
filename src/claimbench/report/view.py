"""What the templates show: a record turned into words, positions and links, without any drawing."""

from __future__ import annotations

import hashlib
import re
import shlex
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from claimbench.report import forest
from claimbench.report.changes import Change, change_of
from claimbench.report.conditions import Conditions, conditions_of
from claimbench.report.numerals import counted, memory, number, seconds, value_and_limits
from claimbench.report.rules import region, rule
from claimbench.report.subjects import Known, Participant, Row, participants, rows, settings_words
from claimbench.report.turning import turning

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from claimbench.record import ClaimRecord, Record


#: The digest of no file at all.
_NO_DATA = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True, slots=True)
class ClaimView:
    """A claim with everything that its section and its line of the overview say."""

    record: ClaimRecord
    anchor: str
    name: str
    domain: str
    change: Change | None
    rows: tuple[Row, ...]
    participants: tuple[Participant, ...]
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
    turning: str
    where: str
    experiment_anchor: str
    rerun: str
    cost: str
    memory: str
    replicates: str
    seeds: str
    data: str
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
    known: Known,
    experiments: Mapping[str, str],
    accepted: Mapping[str, ClaimRecord] | None = None,
) -> list[ClaimView]:
    """Return the views of all claims, in the record's order.

    Parameters
    ----------
    known
        What the rows of all claims share.
    experiments
        ``<paper>/<experiment>`` -> its anchor.
    accepted
        Claim's id -> the claim as it was accepted; None or empty where nothing was.
    """
    links = anchors("claim-", (claim.id for claim in record.claims))
    designs = {
        (p.id, name): design for p in record.papers for name, design in p.experiments.items()
    }
    data = record.data.get("papers")
    views = []
    for claim in record.claims:
        asked = region(claim)
        deciding = [c.effect for c in claim.against] + [claim.effect]
        dots = [] if _is_success(claim) else claim.replicates
        met = [one for candidate in claim.candidates for one in candidate.against]
        others = [c.effect for c in (claim.control, *claim.candidates, *met)]
        frame = forest.frame(asked, deciding, others, dots)
        mini_frame = forest.frame(asked, [claim.effect])
        value, limits = value_and_limits(claim.effect)
        views.append(
            ClaimView(
                record=claim,
                anchor=links[claim.id],
                name=claim.id.partition("/")[2] or claim.id,
                domain=domain_of(claim.paper),
                change=change_of(claim, accepted.get(claim.id)) if accepted else None,
                rows=tuple(rows(claim, frame, known, dots)),
                participants=tuple(participants(claim, known)),
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
                turning=turning(claim),
                where=settings_words(claim.where),
                experiment_anchor=experiments.get(f"{claim.paper}/{claim.experiment}", ""),
                rerun=rerun(record, claim.paper, claim.id.partition("/")[2] or claim.id),
                cost=seconds(claim.seconds),
                memory=memory(claim.peak_memory_bytes),
                replicates=_replicates(claim),
                seeds=_seeds(record, designs.get((claim.paper, claim.experiment), {})),
                data=_data(data.get(claim.paper) if isinstance(data, dict) else None),
                banners=tuple(_banners(claim)),
            )
        )
    return views


def domain_of(paper: str) -> str:
    """Return the domain of a paper's id."""
    return paper.partition("/")[0]


def _seeds(record: Record, design: Mapping[str, Any]) -> str:
    """Return which random numbers a claim's evidence rests on."""
    words = f"root seed {record.seed}"
    replicates, block = design.get("replicates"), design.get("block")
    if isinstance(replicates, int) and replicates > 0:
        words += f", replicates 0 to {replicates - 1:,}" if replicates > 1 else ", replicate 0"
        words += f" in blocks of {block}" if isinstance(block, int) and block < replicates else ""
    return f"{words}; the same problems and noise for every contender"


def _data(found: Any) -> str:
    """Return the digest of what a paper may read of the data; empty where that is nothing."""
    return found if isinstance(found, str) and found != _NO_DATA else ""


def _is_success(claim: ClaimRecord) -> bool:
    return claim.kind == "success" or bool(
        claim.effect is not None and claim.effect.interval == "wilson"
    )


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


def rerun(record: Record, paper: str, keyword: str = "") -> str:
    """Return the command that runs a paper, or one claim of it, again."""
    words = ["pytest", f"suite/{paper}", "--benchmark-only", "--profile", record.profile]
    if record.device != "cpu":
        words += ["--device", record.device]
    if record.seed:
        words += ["--root-seed", str(record.seed)]
    words += _asked(record.command, "--replicates")
    if keyword:
        words += ["-k", keyword]
    return shlex.join(words)


def _asked(command: str, option: str) -> list[str]:
    """Return an option of a command line with its value, where it was given."""
    try:
        words = shlex.split(command)
    except ValueError:  # an open quotation mark: no shell wrote this
        return []
    for word, following in pairwise([*words, ""]):
        if word == option:
            return [option, following]
        if word.startswith(f"{option}="):
            return [option, word.partition("=")[2]]
    return []


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
