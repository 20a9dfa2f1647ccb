"""Headline claims of papers as executable benchmarks with verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from claimbench.experiment import Experiment

if TYPE_CHECKING:
    from claimbench.estimands import slope

__all__ = ["Experiment", "slope"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import what needs numpy when it is asked for: `claimbench list` should not wait for it."""
    if name == "slope":
        from claimbench.estimands import slope

        return slope
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
