"""What pytest collects: a bench file, and in it one item for each contender of an experiment."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from claimbench import checkout
from claimbench.checkout import import_bench, paper_of
from claimbench.errors import BenchFileError, ClaimbenchError, UsageError
from claimbench.evidence.job import Job
from claimbench.plugin.replay import ReplayTimer
from claimbench.plugin.session import STATE, Session


class BenchFile(pytest.Module):
    """A paper's bench file. One that can't be used is an item that fails, alone."""

    def _getobj(self) -> ModuleType:
        return import_bench(paper_of(self.path))

    def collect(self) -> Iterator[pytest.Item]:
        """Yield the contenders, or the reason why there are none."""
        state = self.config.stash[STATE]
        try:
            paper = state.bind(self.path)
        except UsageError as error:
            state.misused = error  # the hook on collected items stops the session
            return
        except ClaimbenchError as error:
            yield BrokenItem.from_parent(self, name="claims", error=error)
            return
        for name, experiment in paper.experiments.items():
            for contender in experiment.contenders:
                if paper.cells_of(name, contender):  # at a small profile some have none
                    yield ContenderItem.make(self, state, Job(paper, name, contender))


class BrokenItem(pytest.Item):
    """A bench file, or its claim.toml, that can't be used."""

    #: pytest-benchmark skips, under --benchmark-only, what shows no use of its fixture.
    fixturenames = ("benchmark",)

    def __init__(self, *, error: ClaimbenchError, **parts: Any) -> None:
        super().__init__(**parts)
        self.error = error

    def runtest(self) -> None:
        """Fail with the error met at collection."""
        self.config.stash[STATE].broken.append(str(self.error))
        raise self.error

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> str:
        """Show the message, and the traceback of an import that raised."""
        del style
        cause = excinfo.value.__cause__
        if cause is None or not isinstance(excinfo.value, BenchFileError):
            return str(excinfo.value)
        raised = pytest.ExceptionInfo.from_exception(cause)
        shown = raised.getrepr(style="short", tbfilter=_from_the_paper_on)
        return f"{shown}\n{excinfo.value}"

    def reportinfo(self) -> tuple[Any, int | None, str]:
        """Return what pytest puts above the failure."""
        return self.path, 0, f"{self.path.parent.name}: {self.name}"


def _from_the_paper_on(raised: pytest.ExceptionInfo[BaseException]) -> Any:
    """Leave out the way from the engine to the bench file, and Python's own steps of an import."""
    return raised.traceback.filter(
        lambda entry: (
            not str(entry.path).startswith("<frozen importlib")
            and str(entry.path) not in {checkout.__file__, importlib.__file__}
        )
    )


class ContenderItem(pytest.Function):
    """One contender of one experiment: ``hard[linear_decay]``."""

    job: Job

    @classmethod
    def make(cls, parent: BenchFile, state: Session, job: Job) -> ContenderItem:
        """Return the item; the ids of the claims that need it are its keywords."""
        timer = ReplayTimer()
        item = cls.from_parent(
            parent, name=f"{job.experiment}[{job.contender}]", callobj=_body(state, job, timer)
        )
        item.job = job
        item.extra_keyword_matches.update(
            claim.id for claim in job.paper.claims_needing(job.experiment, job.contender)
        )
        group = f"{job.paper.id} {job.experiment}"
        item.add_marker(pytest.mark.benchmark(group=group, timer=timer))
        return item

    def reportinfo(self) -> tuple[Any, int | None, str]:
        """Return what pytest puts above a failure."""
        return self.path, 0, f"{self.job.paper.id}::{self.name}"


def _body(state: Session, job: Job, timer: ReplayTimer) -> Any:
    def body(benchmark: Any) -> None:
        if not state.options.runs:
            pytest.skip("claimbench: valid; add --benchmark-only to run it")
        try:
            evidence = state.evidence_of(job)
        except ClaimbenchError as error:  # the engine's own trouble, a full disk say
            state.failures.append(str(error))
            _show_nothing(benchmark)
            pytest.fail(str(error), pytrace=False)
        except Exception as error:  # a defect of the engine: not to be taken for a regression
            state.failures.append(f"{type(error).__name__}: {error}")
            _show_nothing(benchmark)
            raise
        except BaseException:  # Ctrl-C
            _show_nothing(benchmark)
            raise
        benchmark.extra_info.update(status=evidence.status, role=job.of.role)
        if state.cut(evidence):
            pytest.skip(f"{job.contender} is over budget: {evidence.reason}")
        if evidence.status == "unavailable":
            pytest.skip(f"{job.contender} is unavailable: {evidence.reason}")
        if evidence.status != "ok":
            state.failures.append(f"{job.paper.id} {job.experiment}[{job.contender}]")
            _show_nothing(benchmark)
            pytest.fail(f"{job.contender} {evidence.status}: {evidence.reason}", pytrace=False)
        timer.durations = [one.seconds for one in evidence.outcomes if not one.from_store]
        if timer.durations:
            benchmark.pedantic(_replayed, rounds=len(timer.durations), iterations=1)
        else:
            _show_nothing(benchmark)  # all evidence came from the store, which keeps no seconds

    return body


def _show_nothing(benchmark: Any) -> None:
    """Keep pytest-benchmark from warning that its fixture was not used."""
    benchmark.disabled = True
    benchmark.pedantic(_replayed)


def _replayed() -> None:
    """Stand for the work that a worker did: the timer knows how long it took."""
