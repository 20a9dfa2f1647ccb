"""What is made once and used by many units."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toy import PROBLEM, bound, context, edit, edited, evidence, jobs_of, make

from claimbench.aside import sweep
from claimbench.errors import StoreError
from claimbench.estimands import slope
from claimbench.evidence import kept
from claimbench.evidence.kept import Shelf, _read, forget
from claimbench.evidence.run import Run
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


def test_what_was_damaged_is_made_again_and_told(tmp_path: Path) -> None:
    """A network that was cut off in the store is trained anew, for the same evidence."""
    root = make(tmp_path, problem__py=TRAINED)
    first = gaps(evidence(root))
    (file,) = (root / "results" / "store" / "kept").rglob("*.npz")
    file.write_bytes(file.read_bytes()[:-20])
    for rows in (root / "results" / "store" / "toy").rglob("*.parquet"):
        rows.unlink()

    paper = bound(root)
    engine = Run(context(root), workers=1)
    jobs = jobs_of(paper)
    engine.schedule(jobs)
    found = {(job.experiment, job.contender): engine.finish(job) for job in jobs}
    engine.close()

    assert trained(root) == ["3 2"] * 2
    assert gaps(found) == first
    assert engine.notices == [
        f"what train makes once was damaged in the store, and was made again: {file.name}"
    ]


def test_no_damage_is_taken_for_what_was_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever byte is changed, the arrays are those that were made, or nothing."""
    arrays = {"a": np.arange(5.0), "b": np.array([True, False])}
    monkeypatch.setattr(kept, "_source", lambda root, build: "")
    monkeypatch.setattr(kept, "made", lambda build, settings: arrays)
    Shelf(tmp_path, tmp_path, "").get(build, {})
    (file,) = tmp_path.glob("*.npz")
    whole, refused = file.read_bytes(), 0
    for place in range(len(whole)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        found = _read(file)
        refused += found is None
        if found is not None:
            assert {name: values.tobytes() for name, values in found.items()} == {
                name: values.tobytes() for name, values in arrays.items()
            }

    assert refused > len(whole) / 4


def test_fresh_makes_anew_what_another_run_is_using(tmp_path: Path) -> None:
    """The other finds nothing and makes it again, without an error; locks stay."""
    root = make(tmp_path, problem__py=TRAINED)
    evidence(root)
    folder = root / "results" / "store" / "kept" / "toy" / "line"
    locks = [path.name for path in folder.glob("*.lock")]

    forget(folder)

    assert [path.name for path in folder.iterdir()] == locks
    assert len(locks) == 1
    forget(folder / "nowhere")


def test_a_trainer_that_was_killed_leaves_nothing_that_counts(tmp_path: Path) -> None:
    """Its lock dies with it, and what it had half written is no network."""
    shelf = Shelf(tmp_path, Path(__file__).parents[2], "")
    script = f"""
import os, signal
from pathlib import Path
import numpy as np
from claimbench.evidence import kept
from claimbench.estimands import slope

def killed(*words, **more):
    words[0].write(b"half")
    words[0].flush()
    os.kill(os.getpid(), signal.SIGKILL)

np.savez = killed
kept.made = lambda build, settings: {{"a": np.zeros(3)}}
kept.Shelf(Path({str(tmp_path)!r}), Path({str(Path(__file__).parents[2])!r}), "").get(slope, {{}})
"""
    done = subprocess.run([sys.executable, "-c", script], check=False)
    assert done.returncode == -signal.SIGKILL
    left = [path for path in tmp_path.iterdir() if ".partial" in path.name]

    assert len(left) == 1
    assert list(tmp_path.glob("*.npz")) == []
    monkeypatch = pytest.MonkeyPatch()
    with monkeypatch.context() as patch:
        patch.setattr(kept, "made", lambda build, settings: {"a": np.ones(3)})
        assert list(shelf.get(slope, {})["a"]) == [1.0] * 3
    assert sweep(tmp_path) == left


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
