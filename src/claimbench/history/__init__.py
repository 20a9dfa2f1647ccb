"""Seconds, memory and effects over commits, with asv.

asv takes its benchmarks from the working tree and the code from each commit. So `plan` and
`borrowed` run in asv's process with this tree's engine and say what is followed; the folder
``benchmarks``, which ``asv.conf.json`` names, runs it in a process that imports ``claimbench``,
``suite`` and ``baselines`` of the commit.
"""
