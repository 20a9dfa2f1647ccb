"""Two revisions side by side on one machine, to see whether a kernel became slower.

Each revision runs its own ``suite`` and ``baselines`` in a process of its own, under the engine
that is installed. Rounds alternate, ABBA, so that whatever drifts drifts for both.
Source: L. Bulej et al., Duet benchmarking, arXiv 2001.05811.
"""
