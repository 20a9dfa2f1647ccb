"""The last commits as sparklines, read from asv's results in ``results/history/``."""

from __future__ import annotations

import ast
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from claimbench.record import fingerprint_of
from claimbench.report.numerals import counted, memory, number, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from claimbench.record import Record

#: Commits that a sparkline shows.
LAST = 12
WIDTH, HEIGHT = 132, 26
_INSET = 3

#: asv's benchmark -> how its numbers are told, and turned into those that are drawn.
_FOLLOWED: dict[str, tuple[str, Callable[[float], str], Callable[[float], float]]] = {
    "kernels.Kernels.time_kernel": ("seconds", seconds, float),
    "kernels.Kernels.peakmem_kernel": ("peak memory", lambda value: memory(round(value)), float),
    # Of the tracked y = x + √(1 + x²) the shortfall x is what a reader knows.
    "claims.Claims.track_shortfall": (
        "shortfall in margins",
        number,
        lambda value: round(math.sinh(math.log(value)), 9),
    ),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One number over the commits.

    Attributes
    ----------
    paths
        Polylines of the sparkline, as ``x,y x,y ...``; several where commits are without a number.
    last
        Where the newest number is drawn.
    zero
        The height of zero.
    label
        All numbers in words.
    """

    paper: str
    name: str
    what: str
    paths: tuple[str, ...]
    last: tuple[float, float]
    zero: float
    newest: str
    extent: str
    label: str


@dataclass(frozen=True, slots=True)
class History:
    """What the section shows; without lines there is none."""

    lines: tuple[Line, ...] = ()
    note: str = ""


def read_history(root: Path | None, record: Record) -> History:
    """Return the numbers of the record's papers at the last commits, oldest first.

    Those of the record's own machine where there are any; else of the machine, and the Python, that
    measured most commits. A file that can't be read is named, and no error.
    """
    if root is None:
        return History()
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    broken = []
    for path in sorted((root / "results" / "history").glob("*/*.json")):
        if path.name == "machine.json":
            continue
        try:
            one = json.loads(path.read_text(encoding="utf-8"))
            table = {"numbers": _numbers(one), "date": one["date"], "commit": one["commit_hash"]}
            found.setdefault((path.parent.name, one["env_name"]), []).append(table)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            broken.append(path.name)
    unread = f" Not read: {', '.join(broken)}." if broken else ""
    if not found:
        return History(note=unread.strip())
    own = fingerprint_of(record)
    machine, env = max(found, key=lambda key: (key[0] == own, len(found[key]), key))
    commits = sorted(found[machine, env], key=lambda one: (one["date"], one["commit"]))[-LAST:]
    where = "this machine" if machine == own else f"another machine, {machine}"
    note = (
        f"{counted(len(commits), 'commit')}, {commits[0]['commit'][:8]} to"
        f" {commits[-1]['commit'][:8]}, measured on {where}. Each line is on a scale of its own"
        f" that begins at zero.{unread}"
    )
    papers = {claim.paper for claim in record.claims} | {one.paper for one in record.contenders}
    return History(tuple(_lines(commits, {paper: _slug(paper) for paper in papers})), note)


def _numbers(result: dict[str, Any]) -> dict[tuple[str, str], float]:
    """Return (benchmark, parameter) -> number, without what is n/a or failed."""
    columns = result["result_columns"]
    numbers = {}
    for benchmark, row in result["results"].items():
        parts = dict(zip(columns, row, strict=False))
        names = [ast.literal_eval(name) for name in parts["params"][0]] if parts["params"] else []
        for name, value in zip(names, parts["result"] or [], strict=False):
            if benchmark in _FOLLOWED and value is not None and math.isfinite(value):
                numbers[benchmark, name] = _FOLLOWED[benchmark][2](value)
    return numbers


def _lines(commits: Sequence[dict[str, Any]], slugs: dict[str, str]) -> Iterator[Line]:
    keys = dict.fromkeys(key for one in reversed(commits) for key in one["numbers"])
    for paper, slug in sorted(slugs.items()):
        for benchmark in _FOLLOWED:
            for key in keys:
                of = key[0] == benchmark and key[1].startswith((f"{paper}/", f"{slug}/"))
                if of:
                    values = [one["numbers"].get(key) for one in commits]
                    name = key[1].removeprefix(f"{paper}/").removeprefix(f"{slug}/")
                    yield _line(paper, name, benchmark, values)


def _line(paper: str, name: str, benchmark: str, values: Sequence[float | None]) -> Line:
    what, told, _ = _FOLLOWED[benchmark]
    known = [value for value in values if value is not None]
    low, high = min(0.0, *known), max(0.0, *known)
    span = (high - low) or 1.0
    step = (WIDTH - 2 * _INSET) / max(1, len(values) - 1)

    def at(index: int, value: float) -> tuple[float, float]:
        y = HEIGHT - _INSET - (value - low) / span * (HEIGHT - 2 * _INSET)
        return round(_INSET + index * step, 1), round(y, 1)

    runs: list[list[tuple[float, float]]] = [[]]
    for index, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append(at(index, value))
    drawn = [run for run in runs if run]
    words = ", ".join("n/a" if value is None else told(value) for value in values)
    return Line(
        paper=paper,
        name=name,
        what=what,
        paths=tuple(" ".join(f"{x},{y}" for x, y in run) for run in drawn if len(run) > 1),
        last=drawn[-1][-1],
        zero=at(0, 0.0)[1],
        newest=told(known[-1]),
        extent=" to ".join(dict.fromkeys([told(min(known)), told(max(known))])),
        label=f"{what} of {name}, oldest commit first: {words}",
    )


def _slug(paper: str) -> str:
    return paper.rpartition("/")[2]
