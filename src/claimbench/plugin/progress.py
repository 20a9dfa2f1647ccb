"""Live progress: which paper, contender and block; time spent and expected."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest

from claimbench.evidence import clock
from claimbench.evidence.load import Key, Load
from claimbench.evidence.unit import Outcome, Unit
from claimbench.plugin.costs import Costs, estimate

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
        The seconds of a unit of each contender: learnt from here, told from here.
    workers
        Processes at once.
    """

    def __init__(self, config: pytest.Config, costs: Costs, *, workers: int) -> None:
        self._reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
        self._capture: Any = config.pluginmanager.get_plugin("capturemanager")
        self._lively = self._reporter is not None and self._reporter.isatty
        self._costs = costs
        self._workers = workers
        self._left: dict[Key, Load] = {}
        self._total = 0
        self._done = 0
        self._began = self._shown = clock.now()
        self._last: Unit | None = None
        self._line = False

    def begin(self, loads: Mapping[Key, Load], *lines: str) -> None:
        """Take note of the units to come, and write what is said of their cost."""
        self._left = dict(loads)
        self._total = sum(load.compute for load in loads.values())
        if self._total and self._reporter is not None:
            for line in lines:
                self._write(f"claimbench: {line}", keep=True)

    def update(self, unit: Unit | None, outcome: Outcome | None) -> None:
        """Take note of a unit that ended, or of time that passed."""
        if unit is not None and outcome is not None and not outcome.from_store:
            key = (f"{unit.domain}/{unit.slug}", unit.experiment, unit.contender)
            self._done += 1
            load = self._left.get(key, Load(0, 0))
            self._left[key] = replace(load, compute=max(0, load.compute - 1))
            self._last = unit
            if outcome.status == "ok":
                spent = outcome.seconds + outcome.suite_seconds + outcome.engine_seconds
                self._costs.learn(key, spent)
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
        self._costs.save()

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
        """Return the seconds to come, None while a cost is unknown."""
        left = estimate(self._left, self._costs.of, workers=self._workers)
        return None if left.unknown else left.seconds


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
