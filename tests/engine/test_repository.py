"""The repository around the engine: make, CI, the lock, the pins, and what collecting costs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from claimbench.data import verify
from claimbench.pins import read_pins

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
#: Extras that `make` installs. The others are a single paper's, large, and used at full or not at
#: all: whoever wants one asks for it.
LOCKED = ("peers", "data", "dask", "dev")
ALONE = {name: lines for name, lines in EXTRAS.items() if name not in LOCKED}
REQUIREMENTS = [*PROJECT["dependencies"], *(line for name in LOCKED for line in EXTRAS[name])]
PEERS = {"ot", "cvxpy", "clarabel", "skimage", "sklearn", "statsmodels", "dvc", "asv"}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked() -> dict[str, str]:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    return {
        canonical(name): version
        for name, version in re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE)
    }


@pytest.mark.parametrize(
    "line", [line for line in REQUIREMENTS if not line.startswith(("torch", "claimbench"))]
)
def test_the_lock_satisfies_what_the_project_asks_for(line: str) -> None:
    """Every dependency is locked, at a version inside the range of pyproject.toml."""
    requirement = Requirement(line)

    assert requirement.specifier.contains(locked()[canonical(requirement.name)])


def test_an_extra_of_its_own_has_the_version_of_its_pin() -> None:
    """What is not locked is pinned exactly, by pyproject.toml and by the pin whose extra it is."""
    pins = read_pins(ROOT / "baselines" / "pins.toml").values()
    for name, lines in ALONE.items():
        exact = dict(line.split("==") for line in lines if "==" in line)
        packages = {p: v for pin in pins if pin.extra == name for p, v in pin.packages.items()}
        assert packages, name
        assert packages.items() <= exact.items()


def test_torch_is_one_version_and_has_no_hash() -> None:
    """make installs the torch that pyproject.toml names; the lock leaves it to pip's index."""
    (asked,) = [line for line in PROJECT["dependencies"] if line.startswith("torch")]

    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert f"install --quiet --no-compile --no-deps {asked}\n" in makefile
    assert "torch" not in locked()


def test_the_lock_has_a_hash_for_every_package_and_no_place() -> None:
    """Nothing is installed unhashed, and no index or folder of one machine is written down."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    entries = re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:]

    assert len(entries) == len(locked())
    assert all("--hash=sha256:" in entry for entry in entries)
    assert not re.search(r"https?://|file:|^--(find-links|index|extra-index)", text, re.MULTILINE)


def test_ci_is_make_test() -> None:
    """What CI runs is what a developer runs: .ci/run ends with `make test`."""
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()

    assert lines[-1] == "exec make test </dev/null"
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert subprocess.run(["bash", "-n", ROOT / ".ci" / "run"], check=False).returncode == 0


def make(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", *words], cwd=ROOT, capture_output=True, text=True, check=False,
        env={k: v for k, v in os.environ.items() if not k.startswith("MAKE")},
    )  # fmt: skip


def test_set_up_refuses_an_unsupported_python(tmp_path: Path) -> None:
    """Another Python is refused before anything is made, with the range and the command."""
    python = tmp_path / "python3.10"
    # This interpreter, as far as the check can see in version 3.10.
    say = "import sys; sys.version_info = (3, 10, 4, 'final', 0); exec(sys.argv[1])"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{say}" "$2"\n')
    python.chmod(0o755)

    done = make("setup", f"PYTHON={python}", f"VENV={tmp_path}/environment")

    assert done.returncode != 0
    assert "claimbench needs Python 3.11 to 3.13" in done.stderr
    assert "is 3.10" in done.stderr
    assert "make setup PYTHON=python3.12" in done.stderr
    assert not (tmp_path / "environment").exists()


def test_an_environment_of_ones_own_is_used_as_it_is() -> None:
    """With VENV empty nothing is installed, and the programs are those on the PATH."""
    done = make("--dry-run", "test", "VENV=")

    assert done.returncode == 0, done.stderr
    assert "pip install" not in done.stdout
    assert ".venv" not in done.stdout
    assert "\nOMP_NUM_THREADS=1 python -m pytest tests" in done.stdout


def test_one_paper_is_run_by_name() -> None:
    """PAPER, PROFILE and ARGS reach pytest."""
    words = ("PAPER=optimization/sparse_ot", "PROFILE=smoke", "ARGS=--workers 1")
    done = make("--dry-run", "bench", "VENV=", *words)

    expected = "pytest suite/optimization/sparse_ot --benchmark-only --profile smoke --workers 1"
    assert expected in done.stdout


def test_collecting_the_suite_imports_no_peer() -> None:
    """Opponents are imported inside their contenders, so a run starts fast however many exist."""
    code = (
        "import sys, pytest\n"
        "code = pytest.main(['suite', '--collect-only', '-q', '-p', 'no:cacheprovider'])\n"
        f"print(int(code), sorted({PEERS!r} & {{name.partition('.')[0] for name in sys.modules}}))"
    )
    # A session of its own, also when this one is a worker of pytest-xdist.
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )

    assert done.stdout.splitlines()[-1] == "0 []", done.stdout + done.stderr


def test_the_data_here_is_the_pinned_data() -> None:
    """make test built datasets/, and it is what datasets.dvc says."""
    assert [str(problem) for problem in verify(ROOT)] == []
