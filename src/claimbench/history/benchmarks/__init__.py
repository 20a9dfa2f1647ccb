"""What asv imports, from the working tree; ``claimbench`` is the measured commit's in here.

These modules know of it only what has not changed since it runs units: `claimbench.evidence.unit`
and `claimbench.evidence.worker`.
"""
