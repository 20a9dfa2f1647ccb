"""Live progress: which paper, contender and block; time spent and expected."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import pytest

from claimbench.aside import written
from claimbench.evidence import clock
from claimbench.evidence.unit import Outcome, Unit

_Key = tuple[str, str, str]
#: Seconds between two lines where there is no terminal to rewrite one on.
_QUIET = 20.0
#: Seconds between two looks of the rewritten line.
_LIVELY = 0.2


class Progress:
    """One line, rewritten on a terminal, now and then elsewhere.

    Parameters
    ----------
    config
        Of the session whose terminal is written to.
    costs
        Where the seconds of a unit of each contender are remembered from run to run, so that the
        time to come can be told before anything has run.
    """

    def __init__(self, config: pytest.Config, costs: Path) -> None:
        self._reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
        self._capture: Any = config.pluginmanager.get_plugin("capturemanager")
        self._lively = self._reporter is not None and self._reporter.isatty
        self._costs_file = costs
        self._costs = _read(costs)
        self._left: dict[_Key, int] = {}
        self._total = 0
        self._done = 0
        self._began = self._shown = clock.now()
        self._last: Unit | None = None
        self._line = False

    def begin(self, planned: Mapping[_Key, int]) -> None:
        """Take note of the units to come and say what they should cost."""
        self._left = dict(planned)
        self._total = sum(planned.values())
        if self._total and self._reporter is not None:
            expected = self._expected()
            known = "" if expected is None else f", about {_clock(expected)} by earlier runs"
            self._write(f"claimbench: {self._total} blocks to compute{known}", keep=True)

    def update(self, unit: Unit | None, outcome: Outcome | None) -> None:
        """Take note of a unit that ended, or of time that passed."""
        if unit is not None and outcome is not None and not outcome.from_store:
            key = (f"{unit.domain}/{unit.slug}", unit.experiment, unit.contender)
            self._done += 1
            self._left[key] = max(0, self._left.get(key, 0) - 1)
            self._last = unit
            if outcome.status == "ok":
                spent = outcome.seconds + outcome.suite_seconds + outcome.engine_seconds
                name = "/".join(key)
                self._costs[name] = 0.5 * (self._costs.get(name, spent) + spent)
        elif unit is not None:
            self._last = unit
        self._show()

    def erase(self) -> None:
        """Leave an empty line for whoever writes next."""
        if self._line:
            self._reporter.rewrite("", erase=True)
            self._line = False

    def end(self) -> None:
        """Erase the line and remember the costs."""
        self.erase()
        if self._done:
            # Estimates only: a full disk may not cost the verdicts.
            with suppress(OSError), written(self._costs_file) as file:
                file.write(json.dumps(self._costs, indent=1, sort_keys=True).encode())

    def _show(self) -> None:
        now = clock.now()
        wait = _LIVELY if self._lively else _QUIET
        if self._reporter is None or self._last is None or now - self._shown < wait:
            return
        self._shown = now
        unit = self._last
        expected = self._expected()
        left = "" if expected is None else f", {_clock(expected)} to go"
        block = f"block {unit.block + 1}" if unit.stage == "evidence" else unit.stage
        self._write(
            f"claimbench: {unit.domain}/{unit.slug} {unit.experiment}[{unit.contender}] {block}"
            f" · {self._done}/{self._total} blocks · {_clock(now - self._began)} spent{left}",
            keep=not self._lively,
        )

    def _write(self, text: str, *, keep: bool) -> None:
        # An item waits here while pytest captures what it prints: this is not of the item.
        uncaptured = self._capture.global_and_fixture_disabled if self._capture else nullcontext
        with uncaptured():
            if keep:
                self._reporter.ensure_newline()
                self._reporter.write_line(text)
            else:
                width = self._reporter._tw.fullwidth  # noqa: SLF001  pytest offers it nowhere else
                self._reporter.rewrite(text[: width - 1], erase=True)
                self._line = True
            self._reporter.flush()

    def _expected(self) -> float | None:
        """Return the seconds to come on one worker, None while a cost is unknown."""
        seconds = 0.0
        for key, count in self._left.items():
            cost = self._costs.get("/".join(key))
            if count and cost is None:
                return None
            seconds += count * (cost or 0.0)
        return seconds


def _read(path: Path) -> dict[str, float]:
    """Return remembered costs; none where nothing usable is remembered: they are estimates only."""
    try:
        costs = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(costs, dict):
        return {}
    return {str(k): float(v) for k, v in costs.items() if isinstance(v, (int, float))}


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
