"""Intervals, p-values and sample sizes: pure functions of arrays.

`docs/statistics.md` is the specification, with the coverage of every interval.
"""
