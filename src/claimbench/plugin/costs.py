"""What a run will cost, by what earlier ones did."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
        self._known = _read(self._file)
        self._records = [results / profile / machine, accepted / profile / machine]
        self._elsewhere = accepted / profile
        self._told: dict[str, float] | None = None
        self._told_elsewhere: dict[str, float] | None = None
        self._learnt = False

    def of(self, key: Key) -> float | None:
        """Return the seconds of one unit on this machine, None where none was measured."""
        name = "/".join(key)
        found = self._known.get(self._prefix + name)
        if found is None:
            if self._told is None:
                self._told = _by_records(*self._records)
            found = self._told.get(name)
        return found

    def elsewhere(self, key: Key) -> float | None:
        """Return the seconds of one unit on any machine whose run was accepted."""
        if self._told_elsewhere is None:
            folders = self._elsewhere.glob("*") if self._elsewhere.is_dir() else ()
            self._told_elsewhere = _by_records(*sorted(folders))
        return self._told_elsewhere.get("/".join(key))

    def learn(self, key: Key, seconds: float) -> None:
        """Take note of a unit that was computed; the latest counts half."""
        name = self._prefix + "/".join(key)
        self._known[name] = 0.5 * (self._known.get(name, seconds) + seconds)
        self._learnt = True

    def save(self) -> None:
        """Remember what was learnt."""
        if self._learnt:
            aside = self._file.with_suffix(".partial")
            aside.write_text(json.dumps(self._known, indent=1, sort_keys=True), encoding="utf-8")
            aside.replace(self._file)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run will cost.

    Attributes
    ----------
    seconds
        Of what is known, races among it, if the blocks keep all workers busy.
    races
        Of what is known, inside races.
    unknown
        Blocks of contenders that were never measured.
    notes
        What a reader should know besides: where the figures come from, what they leave out.
    """

    papers: int
    compute: int
    stored: int
    seconds: float
    races: float
    unknown: int
    notes: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """The estimate in one line."""
        if self.unknown == self.compute > 0:
            cost = "cost unknown, never measured here"
        elif self.compute:
            cost = f"about {about(self.seconds)}"
        else:
            cost = "nothing to compute"
        papers = f"{self.papers:,} paper{'' if self.papers == 1 else 's'}"
        blocks = f"{self.compute:,} block{'' if self.compute == 1 else 's'} to compute"
        parts = [f"{cost}: {papers}, {blocks}, {self.stored:,} in the store"]
        if self.races:
            parts.append(f"races {about(self.races)} of it")
        if 0 < self.unknown < self.compute:
            parts.append(f"{self.unknown:,} of the blocks were never measured here, and come on top")
        return "; ".join((*parts, *self.notes))


def estimate(
    loads: Mapping[Key, Load],
    cost: Callable[[Key], float | None],
    *,
    workers: int,
    notes: tuple[str, ...] = (),
) -> Estimate:
    """Return what these loads cost on so many workers; races have one of their own, at the end."""
    plain = races = 0.0
    unknown = 0
    for key, load in loads.items():
        seconds = cost(key)
        if seconds is None:
            unknown += load.compute
        elif load.race:
            races += load.compute * seconds
        else:
            plain += load.compute * seconds
    return Estimate(
        papers=len({paper for paper, _, _ in loads}),
        compute=sum(load.compute for load in loads.values()),
        stored=sum(load.stored for load in loads.values()),
        seconds=plain / workers + races,
        races=races,
        unknown=unknown,
        notes=notes,
    )


def about(seconds: float) -> str:
    """Return a length of time with as many digits as an estimate deserves: ``12 min``, ``2.5 h``."""
    if seconds < 99.5:
        return f"{max(1, round(seconds))} s"
    if seconds < 99.5 * 60:
        return f"{seconds / 60:.0f} min"
    hours = seconds / 3600
    return f"{hours:.1f} h" if hours < 10 else f"{hours:,.0f} h"


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
