"""The only clock, and the meter of peak memory."""

from __future__ import annotations

import re
import sys

import numpy as np
import pytest

from claimbench.evidence import clock


def test_a_timed_call_returns_its_answer_and_its_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds are those between start and stop."""
    ticks = iter([10.0, 12.5])
    monkeypatch.setattr(clock, "now", lambda: next(ticks))

    found = clock.timed(lambda: "answer", device="cpu")

    assert (found.answer, found.seconds) == ("answer", 2.5)


def test_the_clock_moves_on() -> None:
    """It never goes back."""
    times = [clock.now() for _ in range(100)]

    assert times == sorted(times)
    assert clock.process_seconds() > 0


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells peaks on Linux only")
def test_peak_memory_is_what_the_call_needed_on_top() -> None:
    """64 MB that were freed again are seen; an earlier peak is not."""
    size = 64 * 2**20

    def greedy() -> int:
        return int(np.ones(size, dtype=np.uint8).sum())

    assert clock.timed(greedy, device="cpu").answer == size
    large = clock.timed(greedy, device="cpu").peak_memory_bytes
    small = clock.timed(lambda: None, device="cpu").peak_memory_bytes

    assert large is not None
    assert small is not None
    assert 0.9 * size < large < 1.5 * size
    assert small < 0.1 * size


def test_a_time_of_day_is_a_name_that_sorts() -> None:
    """Records are named by it."""
    assert re.fullmatch(r"20\d{6}T\d{6}Z", clock.utc())
