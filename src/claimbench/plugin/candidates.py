"""What the terminal says of candidates at the end of a session."""

from __future__ import annotations

from collections.abc import Iterator

from claimbench.record import ClaimRecord, Comparison, ContenderRecord, Record
from claimbench.wording import interval_words, source_words


def candidate_lines(record: Record) -> Iterator[str]:
    """Yield a line for each candidate of each experiment, and one for each claim it was judged by.

    Examples
    --------
    ::

        candidate my_solver (my_solver.py:solve) in optimization/sparse_ot sweep: ok
          sparse_ot/sweep-gap: reproduced, 0.12 [0.1, 0.14]
            against pot: reproduced, 0.12 [0.1, 0.14]
            against the method semi_dual: not reproduced, -0.01 [-0.02, 0]
    """
    for contender in record.contenders:
        if contender.role == "candidate":
            yield _head(contender)
            for claim in record.claims:
                if (claim.paper, claim.experiment) == (contender.paper, contender.experiment):
                    for one in claim.candidates:
                        if one.contender == contender.name:
                            yield from _judged(claim, one)


def _head(contender: ContenderRecord) -> str:
    where = source_words(contender.source)
    place = f"{contender.paper} {contender.experiment}"
    reason = "" if contender.reason is None else f" ({contender.reason})"
    return f"candidate {contender.name} ({where}) in {place}: {contender.status}{reason}"


def _judged(claim: ClaimRecord, one: Comparison) -> Iterator[str]:
    yield f"  {claim.id}: {_words(one)}"
    for part in one.against:
        method = "the method " if part.contender == claim.method else ""
        yield f"    against {method}{part.contender}: {_words(part)}"


def _words(one: Comparison) -> str:
    return one.verdict + (f", {interval_words(one.effect)}" if one.effect is not None else "")
