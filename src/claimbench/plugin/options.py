"""The words on pytest's command line that are claimbench's."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from claimbench.candidates.spec import Spec, check_papers, parse_all
from claimbench.checkout import find_root, papers
from claimbench.errors import UsageError
from claimbench.evidence.deadline import seconds_of
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
    budget
        Seconds of the whole run; None without one.
    until_decided
        Whether an experiment ends when its claims are decided.
    estimates
        Whether the cost is told, and nothing run.
    candidates
        Of all papers.
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
    budget: int | None
    until_decided: bool
    estimates: bool
    candidates: tuple[Spec, ...]
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
        if option.claimbench_until_decided:
            _check_until_decided(option)
        budget = option.claimbench_budget
        cluster = Cluster.of(option)
        words = _without_folders(config.invocation_params.args, config.rootpath)
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
            budget=None if budget is None else seconds_of(budget),
            until_decided=option.claimbench_until_decided,
            estimates=option.claimbench_estimate,
            candidates=_candidates(config),
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
    group.addoption(
        "--budget",
        dest="claimbench_budget",
        metavar="TIME",
        help="of the whole run, such as 90s, 30m or 1h30m: then it ends in order, and the same"
        " command goes on",
    )
    group.addoption(
        "--until-decided",
        dest="claimbench_until_decided",
        action="store_true",
        help="look at 5, 10, 20 and 40 replicates, and end an experiment when its claims are"
        " decided",
    )
    group.addoption(
        "--estimate",
        dest="claimbench_estimate",
        action="store_true",
        help="tell what the run would cost, and run nothing",
    )
    group.addoption(
        "--candidate",
        dest="claimbench_candidates",
        action="append",
        default=[],
        metavar="PAPER[:EXPERIMENT]=FILE.py:OBJECT[:NAME]",
        help="a method of your own beside the pinned ones: a callable from problem to answer, in a"
        " file or as an installed package's entry point; may be given several times",
    )


def _check_until_decided(option: Any) -> None:
    """Refuse ``--until-decided`` where nothing is judged, or where the replicates are fixed."""
    if option.claimbench_profile == "smoke":
        raise UsageError(
            "--until-decided at a profile that judges nothing",
            value="smoke",
            allowed="standard or full",
            cure="pytest suite --benchmark-only --until-decided",
        )
    if option.claimbench_gate:
        raise UsageError(
            "--until-decided with --gate",
            allowed="one of them: accepted results have the replicates of claim.toml",
            cure="pytest suite --benchmark-only --gate",
        )


def _candidates(config: pytest.Config) -> tuple[Spec, ...]:
    specs = parse_all(config.option.claimbench_candidates, config.invocation_params.dir)
    if specs:
        check_papers(specs, [files.id for files in papers(root_of(config))])
    return specs


def _without_folders(words: Iterable[str], root: Path) -> Iterator[str]:
    """Yield the words; of an absolute path what lies below `root` is kept, else the last name.

    A record is no place for the folders of a machine.
    """

    def told(found: re.Match[str]) -> str:
        path = Path(found[2]).expanduser()
        inside = path.is_relative_to(root) and path != root
        return found[1] + (path.relative_to(root).as_posix() if inside else path.name)

    for word in words:
        yield re.sub(r"(^|=)([/~][^:]*)", told, word)


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
