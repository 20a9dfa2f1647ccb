"""Headline claims of papers as executable benchmarks with verdicts."""

from claimbench.estimands import slope
from claimbench.experiment import Experiment

__all__ = ["Experiment", "slope"]
__version__ = "0.1.0"
