"""What a run will cost, by what earlier ones did."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from claimbench.aside import written
from claimbench.evidence.load import Key, Load
from claimbench.words import Profile

#: Records that are read, the newest first, for what the costs do not tell.
_RECORDS = 20


class Costs:
    """Seconds of a unit of each contender, remembered from run to run.

    Parameters
    ----------
    results
        Folder of records and of the store.
    profile, device
        Whose units are meant: those of another profile hold other cells.
    accepted
        Folder of records that were accepted, which may be another machine's.
    machine
        Its digits in the records' folders.
    """

    def __init__(
        self, results: Path, accepted: Path, *, profile: Profile, device: str, machine: str
    ) -> None:
        self._file = results / "store" / "costs.json"
        self._prefix = f"{profile}/{device}/"
        self._all = _read(self._file)
        self._known = {
            name.removeprefix(self._prefix): seconds
            for name, seconds in self._all.items()
            if name.startswith(self._prefix)
        }
        self._here = [results / profile / machine, accepted / profile / machine]
        self._elsewhere = accepted / profile
        self._told: dict[str, float] | None = None
        self._told_elsewhere: dict[str, float] | None = None
        self._learnt = False

    def of(self, key: Key) -> tuple[float, Origin] | None:
        """Return the seconds of one unit and where they are from, None where none was measured."""
        name = "/".join(key)
        for origin, costs in self._costs():
            if name in costs:
                return costs[name], origin
        return None

    def _costs(self) -> Iterator[tuple[Origin, dict[str, float]]]:
        """Yield what is known, the best first; records are read when it is not enough."""
        yield "here", self._known
        if self._told is None:
            self._told = _by_records(*self._here)
        yield "here", self._told
        if self._told_elsewhere is None:
            self._told_elsewhere = _by_records(*sorted(self._elsewhere.glob("*")))
        yield "elsewhere", self._told_elsewhere

    def learn(self, key: Key, seconds: float) -> None:
        """Take note of a unit that was computed; the latest counts half."""
        name = "/".join(key)
        self._known[name] = 0.5 * (self._known.get(name, seconds) + seconds)
        self._learnt = True

    def save(self) -> None:
        """Remember what was learnt; estimates only, so that a full disk costs no verdict."""
        if self._learnt:
            own = {self._prefix + name: seconds for name, seconds in self._known.items()}
            text = json.dumps({**self._all, **own}, indent=1, sort_keys=True)
            with suppress(OSError), written(self._file) as file:
                file.write(text.encode())


#: Where the seconds of a unit are known from.
Origin = Literal["here", "elsewhere", "standard"]
_NOTES: dict[Origin, str] = {
    "elsewhere": "by an accepted run of another machine",
    "standard": "extrapolated from the standard profile by cells and replicates alone: bigger"
    " cells cost more",
}


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run will cost.

    Attributes
    ----------
    papers, compute, stored
        How many papers there are, and how many blocks to compute and in the store.
    seconds
        Of what is known, races among it, if the blocks keep all workers busy.
    races
        Of what is known, inside races.
    unknown
        Blocks to compute of contenders that were never measured.
    origins
        Of the blocks to compute that are known, how many from where.
    """

    papers: int
    compute: int
    stored: int
    seconds: float
    races: float
    unknown: int
    origins: Mapping[Origin, int] = field(default_factory=dict)

    @property
    def cost(self) -> str:
        """Return ``about 12 min``, or why that can't be said."""
        if self.compute == 0:
            return "nothing to compute"
        if self.unknown == self.compute:
            return "unknown: never measured here"
        return f"about {about(self.seconds)}"

    @property
    def line(self) -> str:
        """The estimate in one line."""
        papers, blocks = _counted(self.papers, "paper"), _counted(self.compute, "block")
        parts = [f"{self.cost}: {papers}, {blocks} to compute, {self.stored:,} in the store"]
        if self.races:
            parts.append(f"races {about(self.races)}")
        if 0 < self.unknown < self.compute:
            parts.append(f"{self.unknown:,} of the blocks come on top, never measured here")
        for origin, note in _NOTES.items():
            if self.origins.get(origin):
                parts.append(f"{self.origins[origin]:,} of the blocks {note}")
        return "; ".join(parts)


def estimate(
    loads: Mapping[Key, Load],
    cost: Callable[[Key], tuple[float, Origin] | None],
    *,
    workers: int,
) -> Estimate:
    """Return what these loads cost on so many workers; races have one of their own, at the end."""
    plain = races = 0.0
    origins: Counter[Origin] = Counter()
    for key, load in loads.items():
        known = cost(key)
        if known is None:
            continue
        seconds, origin = known
        origins[origin] += load.compute
        if load.race:
            races += load.compute * seconds
        else:
            plain += load.compute * seconds
    compute = sum(load.compute for load in loads.values())
    return Estimate(
        papers=len({paper for paper, _, _ in loads}),
        compute=compute,
        stored=sum(load.stored for load in loads.values()),
        seconds=plain / workers + races,
        races=races,
        unknown=compute - sum(origins.values()),
        origins=origins,
    )


def _counted(n: int, noun: str) -> str:
    return f"{n:,} {noun}" + ("" if n == 1 else "s")


def about(seconds: float) -> str:
    """Return a length of time with the digits that an estimate deserves: ``12 min``, ``2.5 h``."""
    if seconds < 99.5:
        return f"{max(1, round(seconds))} s"
    minutes, hours = seconds / 60, seconds / 3600
    if minutes < 99.5:
        return f"{minutes:.2g} min"
    return f"{hours:.2g} h" if hours < 99.5 else f"{hours:,.0f} h"


def _read(path: Path) -> dict[str, float]:
    """Return remembered costs; none where nothing usable is remembered: they are estimates only."""
    try:
        costs = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(costs, dict):
        return {}
    return {str(k): float(v) for k, v in costs.items() if isinstance(v, (int, float))}


def _by_records(*folders: Path) -> dict[str, float]:
    """Return contender -> seconds of one unit, from the newest record that computed any."""
    paths = [path for folder in folders for path in folder.glob("*.json")]
    found: dict[str, float] = {}
    for path in sorted(paths, key=lambda path: path.name, reverse=True)[:_RECORDS]:
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            for name, seconds in _of_record(record).items():
                found.setdefault(name, seconds)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue  # an estimate is not worth an error
    return found


def _of_record(record: dict[str, Any]) -> dict[str, float]:
    designs = {paper["id"]: paper["experiments"] for paper in record["papers"]}
    found = {}
    for one in record["contenders"]:
        units = one["blocks"] - one["blocks_from_store"]
        if one["status"] != "ok" or units == 0:
            continue
        design = designs[one["paper"]][one["experiment"]]
        if one["grid"] and design["tuning"]:
            blocks = design["replicates"] // design["block"]
            units += design["tuning"]["trials"] * (one["blocks"] // max(1, blocks))
        found["/".join((one["paper"], one["experiment"], one["name"]))] = one["seconds"] / units
    return found
