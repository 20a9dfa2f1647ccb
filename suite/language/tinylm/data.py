"""The problems of each task: training, validation and test sets without a problem in common."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .arithmetic import TASKS, Task

SEED = 0
HELD_OUT = 512
#: The two-digit sums are taken whole; of longer ones so many are drawn.
MOST = 1 << 15


def build(folder: Path) -> None:
    """Write ``<task>_<train | validation | test>.npy``, the operands (problems, m), uint16."""
    for task in TASKS.values():
        problems = distinct_problems(task)
        parts = np.split(problems, [HELD_OUT, 2 * HELD_OUT])
        for part, operands in zip(("test", "validation", "train"), parts, strict=True):
            np.save(folder / f"{task.name}_{part}.npy", operands, allow_pickle=False)


def distinct_problems(task: Task) -> NDArray[np.uint16]:
    """Return distinct problems in random order, (problems, m).

    A problem is the ordered list of its operands: 3 + 4 and 4 + 3 are two.
    """
    # RandomState's numbers are frozen for good; Generator's may change with numpy.
    random = np.random.RandomState(SEED)
    base = 10**task.digits
    count = base**task.operands
    if count <= MOST:
        numbers = random.permutation(count)
    else:
        drawn = random.randint(count, size=2 * MOST, dtype=np.int64)
        first = np.sort(np.unique(drawn, return_index=True)[1])
        numbers = drawn[first][:MOST]
    places = base ** np.arange(task.operands)
    return (numbers[:, None] // places % base).astype(np.uint16)
