"""A benchmark session: from selected contenders to a record and a report."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from claimbench import judging
from claimbench.binding import Paper, bind
from claimbench.checkout import paper_of
from claimbench.errors import BenchFileError, ClaimbenchError, StoreError, UsageError
from claimbench.evidence import clock
from claimbench.evidence.context import Context
from claimbench.evidence.elsewhere import Machines
from claimbench.evidence.job import ContenderEvidence, Job
from claimbench.evidence.run import Run
from claimbench.fingerprint import fingerprint
from claimbench.gate.gate import Gate
from claimbench.goalposts import rules
from claimbench.pins import Pin, read_pins, state
from claimbench.plugin.gating import gated
from claimbench.plugin.options import Options
from claimbench.plugin.progress import Progress
from claimbench.record import Record
from claimbench.recording import Circumstances, make_record, save

STATE: pytest.StashKey[Session] = pytest.StashKey()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the session came to, for the summary."""

    record: Record
    record_path: Path | None
    report_path: Path | None
    not_judged: Mapping[str, str]
    errors: tuple[str, ...]
    gate: Gate | None = None
    notes: tuple[str, ...] = ()


class Session:
    """The state of one pytest session."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.papers: dict[str, Paper] = {}
        self.broken: list[str] = []
        self.misused: UsageError | None = None
        self.failures: list[str] = []
        self.outcome: Outcome | None = None
        self._began = clock.now()
        self._cpu = 0.0
        self._jobs: list[Job] = []
        self._run: Run | None = None
        self._progress: Progress | None = None
        self._pins: dict[str, Pin] = {}
        self._evidence: dict[tuple[str, str, str], ContenderEvidence] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self) -> None:
        """Leave the progress line before pytest writes of its own."""
        if self._progress is not None:
            self._progress.erase()

    def bind(self, path: Path) -> Paper:
        """Read, import and check the paper of a bench file."""
        files = paper_of(path)
        paper = bind(files, self.options.profile, self.options.replicates)
        rules(paper)
        self._pins = self._pins or read_pins(files.root / "baselines" / "pins.toml")
        for experiment in paper.experiments.values():
            for contender in experiment.contenders.values():
                if contender.pin is not None and contender.pin not in self._pins:
                    raise BenchFileError(
                        f"{paper.id}: contender {contender.name} has an unknown pin",
                        value=contender.pin,
                        allowed=self._pins,
                        cure="add it to baselines/pins.toml",
                    )
        self.papers[paper.id] = paper
        return paper

    def start(self, jobs: list[Job], config: pytest.Config) -> None:
        """Plan the run and hand it to the workers.

        Raises
        ------
        StoreError
            When the results folder can't be written.
        """
        from claimbench.data import hash_of

        root = jobs[0].paper.files.root
        results = self.options.results_of(root)
        _probe(results)
        self._jobs = jobs
        progress = Progress(config, results / "store" / "costs.json")
        self._progress = progress
        cluster = self.options.cluster
        context = Context(
            root=root,
            store=results / "store",
            device=self.options.device,
            seed=self.options.seed,
            fingerprint=fingerprint(self.options.device),
            data=lambda paper: hash_of(root, paper),
            pin_state=lambda name: state(self._pins[name]),
            fresh=self.options.fresh,
            machines=Machines() if cluster is None else cluster.machines(results / "store"),
            on_change=progress.update,
        )
        self._cpu = clock.process_seconds()
        hire = None if cluster is None else cluster.hire(context)
        run = Run(context, workers=self.options.workers, hire=hire)
        try:
            run.schedule(jobs)
        except ClaimbenchError:
            run.close()
            raise
        self._run = run
        progress.begin(run.planned(jobs))

    def evidence_of(self, job: Job) -> ContenderEvidence:
        """Wait for a contender's evidence; the first of a race runs the race."""
        assert self._run is not None
        if job.key not in self._evidence:
            if job.is_race:
                field = [
                    one
                    for one in self._jobs
                    if (one.paper.id, one.experiment) == (job.paper.id, job.experiment)
                ]
                for name, evidence in self._run.race(field).items():
                    self._evidence[job.paper.id, job.experiment, name] = evidence
            else:
                self._evidence[job.key] = self._run.finish(job)
        return self._evidence[job.key]

    def finish(self, exitstatus: int) -> int | None:
        """Judge, record and report; return the exit code, or None to leave pytest's."""
        cpu = clock.process_seconds() - self._cpu
        self.close()
        if self._run is None:
            return 2 if self.broken else None
        evidence: dict[str, dict[tuple[str, str], ContenderEvidence]] = defaultdict(dict)
        for (paper, experiment, contender), found in self._evidence.items():
            evidence[paper][experiment, contender] = found
        selected = {job.paper.id: job.paper for job in self._jobs}
        judged = judging.judge_claims(selected.values(), evidence)
        circumstances = Circumstances(
            profile=self.options.profile,
            device=self.options.device,
            command=self.options.command,
            workers=self._run.workers,
            backend={
                "kind": "local" if self.options.cluster is None else "dask",
                "machines": self._run.context.machines.used(),
            },
            seed=self.options.seed,
            complete=all(job.key in self._evidence for job in self._jobs),
            total_seconds=clock.now() - self._began,
            engine_cpu=cpu,
        )
        record = make_record(circumstances, list(selected.values()), evidence, judged, self._pins)
        root = self._jobs[0].paper.files.root
        errors = list(judged.errors)
        record_path = report_path = None
        try:
            record_path = save(record, self.options.results_of(root), evidence)
            report_path = _report(record_path, self.options.reports_of(root), root)
        except ClaimbenchError as error:
            errors.append(str(error))
        except Exception as error:  # noqa: BLE001  no drawing library may cost the verdict table
            errors.append(f"no report could be drawn ({type(error).__name__}: {error})")
        total = clock.now() - self._began
        record = dataclasses.replace(record, seconds={**record.seconds, "total": total})
        verdict = None
        if self.options.gate and record_path is not None:
            try:
                verdict = gated(record, record_path, root)
            except ClaimbenchError as error:
                errors.append(str(error))
        self.outcome = Outcome(
            record,
            record_path,
            report_path,
            judged.not_judged,
            tuple(errors),
            verdict,
            notes=tuple(
                f"Dask worker {address} was not used ({why})"
                for address, why in self._run.context.machines.refused.items()
            ),
        )
        if self.broken or self.failures or errors:
            return 2
        if verdict is not None and exitstatus == 0:
            return verdict.exit_code(strict=False) or None
        return exitstatus or None

    def close(self) -> None:
        """End the workers."""
        if self._progress is not None:
            self._progress.end()
            self._progress = None
        if self._run is not None:
            self._run.close()


def _report(record_path: Path, reports: Path, root: Path) -> Path:
    from claimbench.gate.accepted import accepted_claims
    from claimbench.report import write_report

    profile = record_path.parent.parent.name
    out = reports / profile / f"{record_path.stem}.html"
    return write_report(record_path, out, root=root, accepted=accepted_claims(root, profile))


def _probe(results: Path) -> None:
    """Refuse a results folder that can't be written before anything is computed."""
    probe = results / "store" / ".writable"
    try:
        probe.parent.mkdir(parents=True, exist_ok=True)
        probe.write_text("", encoding="ascii")
        probe.unlink()
    except OSError as error:
        raise StoreError(
            f"the results folder can't be written ({error.strerror})",
            value=str(results),
            allowed="a folder you may write",
            cure="pytest suite --benchmark-only --results-dir FOLDER",
        ) from error
