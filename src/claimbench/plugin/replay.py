"""Show pytest-benchmark the seconds that the engine's clock measured in the workers."""

from __future__ import annotations


class ReplayTimer:
    """A timer that stands still, but for each duration between a start and a stop.

    Attributes
    ----------
    durations
        Seconds of the rounds to come.
    """

    __name__ = "claimbench's clock"
    _resolution = 1e-9

    def __init__(self) -> None:
        self.durations: list[float] = []
        self._time = 0.0
        self._running = False

    def __call__(self) -> float:
        """Return the time, which moves only between a start and its stop."""
        if not self.durations:
            # pytest-benchmark feels for a timer's resolution by calling it on its own.
            self._time += self._resolution
            return self._time
        if self._running:
            self._time += self.durations.pop(0)
        self._running = not self._running
        return self._time
