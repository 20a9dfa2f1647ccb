"""The gate: what a change has made worse.

A run's record is held against the accepted results of its profile. Quality is compared replicate
by replicate at equal seeds, seconds by ratios inside one run; what was pre-registered differently
is not compared at all. `docs/gate.md` has the rules and what they promise.
"""
