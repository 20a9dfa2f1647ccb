"""The words on pytest's command line that are claimbench's."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from claimbench.checkout import find_root
from claimbench.errors import UsageError
from claimbench.fingerprint import check_device, default_workers
from claimbench.plugin.backend import Cluster, add_backend_options
from claimbench.words import PROFILES, Profile


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for.

    Attributes
    ----------
    runs
        Whether contenders run at all: only with ``--benchmark-only``.
    results
        Folder of records and of the evidence store; None for the checkout's own.
    command
        The words after ``pytest``, for the record.
    cluster
        Where evidence is made; None for this machine.
    """

    profile: Profile
    device: str
    replicates: int | None
    workers: int
    results: Path | None
    seed: int
    fresh: bool
    runs: bool
    gate: bool
    command: str
    cluster: Cluster | None = None

    @classmethod
    def of(cls, config: pytest.Config) -> Options:
        """Read and check the options.

        Raises
        ------
        UsageError
            Saying what is wrong, what is allowed, and what to type.
        """
        option = config.option
        if option.claimbench_profile not in PROFILES:
            raise UsageError("unknown profile", value=option.claimbench_profile, allowed=PROFILES)
        if option.claimbench_device != "cpu":
            check_device(option.claimbench_device)
        workers = option.claimbench_workers
        workers = default_workers(option.claimbench_device) if workers is None else workers
        for name, value in (("--workers", workers), ("--replicates", option.claimbench_replicates)):
            if value is not None and value < 1:
                raise UsageError(name, value=value, allowed="a whole number from 1")
        cluster, words = Cluster.of(option), config.invocation_params.args
        results = option.claimbench_results_dir
        return cls(
            profile=cast(Profile, option.claimbench_profile),
            device=option.claimbench_device,
            replicates=option.claimbench_replicates,
            workers=workers,
            results=None if results is None else Path(results).absolute(),
            seed=option.claimbench_seed,
            fresh=option.claimbench_fresh,
            runs=bool(getattr(option, "benchmark_only", False)),
            gate=option.claimbench_gate,
            command=shlex.join(words if cluster is None else map(cluster.nameless, words)),
            cluster=cluster,
        )

    def results_of(self, root: Path) -> Path:
        """Return the folder of records."""
        return self.results or root / "results"

    def reports_of(self, root: Path) -> Path:
        """Return the folder of reports."""
        return self.results / "reports" if self.results else root / "reports"


def add_options(parser: pytest.Parser) -> None:
    """Declare the options, under ``claimbench`` in ``pytest --help``."""
    group = parser.getgroup("claimbench", "claims of papers, executed and judged")
    add_backend_options(group)
    group.addoption(
        "--profile",
        dest="claimbench_profile",
        default="standard",
        metavar="PROFILE",
        help="smoke (seconds, judges nothing), standard (the default) or full (one GPU)",
    )
    group.addoption(
        "--device",
        dest="claimbench_device",
        default="cpu",
        metavar="DEVICE",
        help="cpu (the default), cuda or cuda:N",
    )
    group.addoption(
        "--replicates",
        dest="claimbench_replicates",
        type=int,
        metavar="N",
        help="replicates of every random experiment, instead of claim.toml's number",
    )
    group.addoption(
        "--workers",
        dest="claimbench_workers",
        type=int,
        metavar="N",
        help="worker processes, one thread each (default: the cores, or with cuda the GPUs)",
    )
    group.addoption(
        "--results-dir",
        dest="claimbench_results_dir",
        metavar="FOLDER",
        help="where records and the evidence store go (default: results/)",
    )
    group.addoption(
        "--root-seed",
        dest="claimbench_seed",
        type=int,
        default=0,
        metavar="SEED",
        help="root of all random streams (default: 0)",
    )
    group.addoption(
        "--fresh",
        dest="claimbench_fresh",
        action="store_true",
        help="compute everything again, whatever the evidence store holds",
    )
    group.addoption(
        "--gate",
        dest="claimbench_gate",
        action="store_true",
        help="hold the run against the accepted results; exit with 1 when a result got worse",
    )


def refuse_xdist(args: list[str]) -> None:
    """Answer pytest-xdist's words with ours: workers of its own would time and seed wrongly.

    Raises
    ------
    pytest.UsageError
        When ``-n`` is given together with ``--benchmark-only``.
    """
    if "--benchmark-only" not in args:
        return
    for index, word in enumerate(args):
        name, _, value = word.partition("=")
        if name in {"-n", "--numprocesses"} or (word[:2] == "-n" and word[2:].isdigit()):
            count = value or word[2:] if word[1] == "n" else value
            count = count or (args[index + 1] if index + 1 < len(args) else "N")
            raise pytest.UsageError(
                str(
                    UsageError(
                        "contenders are not run by pytest-xdist",
                        value=f"-n {count}",
                        allowed="--workers N: worker processes of claimbench",
                        cure=f"pytest suite --benchmark-only --workers {count}",
                    )
                )
            )


def root_of(config: pytest.Config) -> Path:
    """Return the checkout that a session measures."""
    return find_root(config.rootpath)
