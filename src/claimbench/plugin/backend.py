"""The words on pytest's command line about where evidence is made: here, or on a Dask cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from claimbench.errors import UsageError
from claimbench.evidence.context import Context
from claimbench.evidence.elsewhere import Machines
from claimbench.evidence.pool import Hire, Workers
from claimbench.pins import install_command

BACKENDS = ("local", "dask")


@dataclass(frozen=True, slots=True)
class Cluster:
    """A Dask cluster that makes all evidence but the races'.

    Attributes
    ----------
    mixed
        Whether machines of other fingerprints take part.
    """

    scheduler: str
    mixed: bool

    @classmethod
    def of(cls, option: Any) -> Cluster | None:
        """Read and check the options; None for this machine alone.

        Raises
        ------
        UsageError
            Saying what is wrong, what is allowed, and what to type.
        """
        backend, scheduler = option.claimbench_backend, option.claimbench_scheduler
        if backend not in BACKENDS:
            raise UsageError("unknown backend", value=backend, allowed=BACKENDS)
        with_dask = "pytest suite --benchmark-only --backend dask --scheduler tcp://HOST:8786"
        if backend == "local":
            for name, given in (("--scheduler", scheduler), ("--mixed", option.claimbench_mixed)):
                if given:
                    raise UsageError(
                        f"{name} is for a cluster",
                        value=f"--backend {backend}",
                        allowed="--backend dask",
                        cure=with_dask,
                    )
            return None
        if scheduler is None:
            raise UsageError(
                "--backend dask does not say where the cluster is",
                allowed="--scheduler ADDRESS, as `dask scheduler` prints it",
                cure=with_dask,
            )
        if option.claimbench_workers is not None:
            raise UsageError(
                "--workers is for this machine",
                value=f"--workers {option.claimbench_workers}",
                allowed="as many workers as the cluster has",
                cure=f"dask worker {scheduler} --nworkers N --nthreads 1",
            )
        if option.claimbench_candidates:
            raise UsageError(
                "a candidate runs on this machine, where its file is",
                value=option.claimbench_candidates[0],
                allowed="--candidate without --backend dask",
                cure="pytest suite --benchmark-only --candidate ...   (uses what the cluster made)",
            )
        if find_spec("distributed") is None:
            raise UsageError(
                "--backend dask needs a package that is not installed",
                value="distributed",
                cure=install_command("dask"),
            )
        return cls(scheduler, option.claimbench_mixed)

    def nameless(self, word: str) -> str:
        """Return a word of the command line without the address: a record names no host."""
        return word.replace(self.scheduler, "ADDRESS")

    def machines(self, store: Path) -> Machines:
        """Return the machines of other fingerprints whose evidence counts."""
        return Machines(store / "machines") if self.mixed else Machines()

    def hire(self, context: Context) -> Hire:
        """Return what finds the cluster's workers."""

        def hired(modules: Sequence[str]) -> Workers:
            from claimbench.cluster.client import DaskPool

            return DaskPool(self.scheduler, context=context, modules=modules, mixed=self.mixed)

        return hired


def add_backend_options(group: pytest.OptionGroup) -> None:
    """Declare the options."""
    group.addoption(
        "--backend",
        dest="claimbench_backend",
        default="local",
        metavar="BACKEND",
        help="local (worker processes of this machine, the default) or dask (an existing cluster)",
    )
    group.addoption(
        "--scheduler",
        dest="claimbench_scheduler",
        metavar="ADDRESS",
        help="of the Dask scheduler, such as tcp://127.0.0.1:8786; needs --backend dask",
    )
    group.addoption(
        "--mixed",
        dest="claimbench_mixed",
        action="store_true",
        help="let Dask workers of another fingerprint take part; the record names them",
    )
