"""What is made once and used by many units."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toy import PROBLEM, bound, edit, edited, evidence, make

from claimbench.errors import StoreError
from claimbench.evidence.kept import Shelf
from claimbench.evidence.streams import Streams

#: Every training is logged; the noise of the problem depends on what was trained.
TRAIN = """def train(*, seed, width):
    with open("log.txt", "a") as log:
        log.write(f"{seed} {width}\\n")
    return {"weights": ones(width) * seed}


def line(T, *"""
NOISE = """    weights = streams.kept(train, seed=3, width=2)["weights"]
    noise = 0.001 * weights.sum() *"""
TRAINED = edited(
    PROBLEM,
    ("def line(T, *", TRAIN),
    ("    noise = 0.01 *", NOISE),
    ("from numpy import ndarray", "from numpy import ndarray, ones"),
)


def trained(root: Path) -> list[str]:
    log = root / "log.txt"
    return log.read_text().splitlines() if log.is_file() else []


def gaps(found: Any) -> list[float]:
    from claimbench.evidence.table import frame

    return list(frame(list(found.values()))[0]["gap"])


def test_two_workers_train_once_and_fresh_trains_again(tmp_path: Path) -> None:
    """All units of a run share one network, the next run finds it, and `--fresh` does not."""
    root = make(tmp_path, problem__py=TRAINED)
    paper = bound(root)
    first = gaps(evidence(root, paper, workers=2))

    assert trained(root) == ["3 2"]
    edit(root / "suite/toy/line/method.py", ("exp(-rate", "exp(0.0 - rate"))
    evidence(root, bound(root))
    assert trained(root) == ["3 2"]
    assert gaps(evidence(root, bound(root), fresh=True)) == first
    assert trained(root) == ["3 2"] * 2


@pytest.mark.parametrize(
    "changes",
    [
        {"fingerprint": {"cpu": "another"}},
        {"data": lambda paper: "other data"},
    ],
)
def test_another_machine_or_other_data_train_anew(tmp_path: Path, changes: dict[str, Any]) -> None:
    """The key holds the fingerprint and the content of the paper's data."""
    root = make(tmp_path, problem__py=TRAINED)
    evidence(root)
    evidence(root, **changes)

    assert trained(root) == ["3 2"] * 2


def test_another_source_trains_anew(tmp_path: Path) -> None:
    """The training function is followed to its source; the problem around it is not."""
    root = make(tmp_path, problem__py=TRAINED)
    evidence(root)
    edit(root / "suite/toy/line/problem.py", ("0.001 * weights", "0.002 * weights"))
    evidence(root, bound(root))
    assert trained(root) == ["3 2"]
    edit(root / "suite/toy/line/problem.py", ("ones(width) * seed", "ones(width) + seed"))
    evidence(root, bound(root))
    assert trained(root) == ["3 2"] * 2


def build(*, seed: int) -> dict[str, Any]:
    """Return tensors and arrays."""
    import torch

    return {"a": torch.arange(seed), "b": np.eye(seed)}


def test_without_a_shelf_it_is_made_at_every_call() -> None:
    """Streams of a test or a notebook keep nothing, and give arrays of numpy all the same."""
    found = Streams("toy/line", "line", 0, range(2)).kept(build, seed=3)

    assert {type(values) for values in found.values()} == {np.ndarray}
    assert found["a"].tolist() == [0, 1, 2]


def test_a_folder_that_can_not_be_written_is_said(tmp_path: Path) -> None:
    """With the cure."""
    (tmp_path / "file").touch()
    shelf = Shelf(tmp_path / "file" / "kept", Path(__file__).parents[2], "")

    with pytest.raises(StoreError, match="--results-dir FOLDER"):
        shelf.get(Shelf, {})
