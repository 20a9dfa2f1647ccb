"""A benchmark session: from selected contenders to a record and a report."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from claimbench import judging, recording
from claimbench.aside import sweep
from claimbench.binding import Paper, bind
from claimbench.candidates.joining import joined
from claimbench.checkout import paper_of
from claimbench.claim import Look
from claimbench.errors import (
    BenchFileError,
    CandidateError,
    ClaimbenchError,
    UsageError,
)
from claimbench.evidence import clock
from claimbench.evidence.context import Context
from claimbench.evidence.deadline import Deadline
from claimbench.evidence.elsewhere import Machines
from claimbench.evidence.job import ContenderEvidence, Job
from claimbench.evidence.plan import Plan
from claimbench.evidence.run import Run
from claimbench.fingerprint import fingerprint
from claimbench.gate.gate import Gate
from claimbench.goalposts import rules
from claimbench.pins import Pin, read_pins, state
from claimbench.plugin.estimating import Estimator, told
from claimbench.plugin.gating import gated
from claimbench.plugin.looking import Looking
from claimbench.plugin.options import Options
from claimbench.plugin.progress import Progress
from claimbench.plugin.results import draw_report, probe
from claimbench.record import Record
from claimbench.recording import Circumstances, make_record, save

STATE: pytest.StashKey[Session] = pytest.StashKey()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the session came to, for the summary.

    Attributes
    ----------
    over_budget
        Why the run ended before all had run; empty where it did not.
    looks
        With which experiments came to their ends, where they were run until decided.
    """

    record: Record
    record_path: Path | None
    report_path: Path | None
    not_judged: Mapping[str, str]
    errors: tuple[str, ...]
    gate: Gate | None = None
    over_budget: str = ""
    looks: tuple[Look, ...] = ()
    notes: tuple[str, ...] = ()


class Session:
    """The state of one pytest session."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.papers: dict[str, Paper] = {}
        self.collected: set[str] = set()
        self.broken: list[str] = []
        self.misused: UsageError | None = None
        self.failures: list[str] = []
        self.outcome: Outcome | None = None
        self._drawn = False
        self._began = clock.now()
        self._cpu = 0.0
        self._jobs: list[Job] = []
        self._run: Run | None = None
        self._progress: Progress | None = None
        self._looking: Looking | None = None
        budget = options.budget
        self._deadline = None if budget is None else Deadline(budget, self._began)
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
        self.collected.add(files.id)
        paper = bind(files, self.options.profile, self.options.replicates)
        rules(paper)
        paper = joined(paper, self.options.candidates)
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

    def check_candidates(self) -> None:
        """Refuse a candidate whose paper is not in the run.

        Raises
        ------
        CandidateError
            Naming the papers that are.
        """
        for spec in self.options.candidates:
            if spec.paper not in self.collected:
                raise CandidateError(
                    "--candidate names a paper that this run does not collect",
                    value=spec.paper,
                    allowed=sorted(self.collected),
                    cure=f"pytest suite/{spec.paper} --benchmark-only ...",
                )

    def start(self, jobs: list[Job], config: pytest.Config) -> None:
        """Plan the run and hand it to the workers.

        Raises
        ------
        StoreError
            When the results folder can't be written.
        """
        root = jobs[0].paper.files.root
        results = self.options.results_of(root)
        probe(results)
        sweep(results / "store")
        recording.sweep(results)
        self._jobs = jobs
        estimator = Estimator.of(self.options, root)
        progress = Progress(config, estimator.costs, workers=self.options.workers)
        self._progress = progress
        cluster = self.options.cluster
        context = dataclasses.replace(self._context(root), on_change=progress.update)
        self._cpu = clock.process_seconds()
        hire = None if cluster is None else cluster.hire(context)
        run = Run(context, workers=self.options.workers, hire=hire)
        if self.options.until_decided:
            self._looking = Looking(jobs)
        loads = estimator.loads(jobs, run.plan)
        progress.begin(loads, *estimator.lines(jobs, loads, run.plan, self._deadline))
        try:
            run.schedule([self._looking.first(job) for job in jobs] if self._looking else jobs)
        except ClaimbenchError:
            run.close()
            raise
        self._run = run

    def estimate(self, jobs: list[Job]) -> list[str]:
        """Return what a run of these jobs would cost: a line for each paper, and the sum."""
        root = jobs[0].paper.files.root
        return told(jobs, Plan(self._context(root)), self.options, root, self._deadline)

    def _context(self, root: Path) -> Context:
        from claimbench.data import hash_of

        cluster, store = self.options.cluster, self.options.results_of(root) / "store"
        return Context(
            root=root,
            store=store,
            device=self.options.device,
            seed=self.options.seed,
            fingerprint=fingerprint(self.options.device),
            data=lambda paper: hash_of(root, paper),
            pin_state=lambda name: state(self._pins[name]),
            fresh=self.options.fresh,
            deadline=self._deadline,
            machines=Machines() if cluster is None else cluster.machines(store),
        )

    def evidence_of(self, job: Job) -> ContenderEvidence:
        """Wait for a contender's evidence; the first of a race runs the race."""
        assert self._run is not None
        if job.key not in self._evidence:
            if self._looking is not None and self._looking.covers(job):
                self._looking.run(self._run, self._evidence)
            elif job.is_race:
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

    def cut(self, evidence: ContenderEvidence) -> bool:
        """Whether the run's budget was spent before this contender had all its evidence."""
        deadline = self._deadline
        return deadline is not None and any(deadline.cut(one) for one in evidence.outcomes)

    def finish(self, exitstatus: int) -> int | None:
        """Judge and record; return the exit code, or None to leave pytest's."""
        cpu = clock.process_seconds() - self._cpu
        self.close()
        if self._run is None:
            return 2 if self.broken else None
        evidence: dict[str, dict[tuple[str, str], ContenderEvidence]] = defaultdict(dict)
        for (paper, experiment, contender), found in self._evidence.items():
            evidence[paper][experiment, contender] = found
        selected = {job.paper.id: job.paper for job in self._jobs}
        looking = self._looking
        papers = looking.judged(selected.values()) if looking else selected.values()
        judged = judging.judge_claims(papers, evidence, self._run.context)
        cut = self._is_cut()
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
            complete=not cut and all(job.key in self._evidence for job in self._jobs),
            total_seconds=clock.now() - self._began,
            engine_cpu=cpu,
            until_decided=self.options.until_decided,
            notices=tuple(self._run.notices),
        )
        record = make_record(circumstances, list(selected.values()), evidence, judged, self._pins)
        root = self._jobs[0].paper.files.root
        errors = list(judged.errors)
        record_path = None
        try:
            record_path = save(record, self.options.results_of(root), evidence)
        except ClaimbenchError as error:
            errors.append(str(error))
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
            None,
            judged.not_judged,
            tuple(errors),
            verdict,
            over_budget=self._deadline.reason if cut and self._deadline is not None else "",
            looks=tuple(looking.looks.values()) if looking else (),
            notes=self._run.context.machines.notes(),
        )
        if cut or self.broken or self.failures or errors:
            return 2
        if verdict is not None and exitstatus == 0:
            return verdict.exit_code(strict=False) or None
        return exitstatus or None

    def _is_cut(self) -> bool:
        """Whether the run's budget was spent before all had run that was asked for."""
        looks = self._looking.looks.values() if self._looking is not None else ()
        return any(look.ended == "over budget" for look in looks) or any(
            self.cut(evidence) for evidence in self._evidence.values()
        )

    def draw(self) -> bool:
        """Draw the report, once, after the verdicts were shown; return whether all went well."""
        outcome = self.outcome
        if outcome is None or outcome.record_path is None or self._drawn:
            return True
        self._drawn = True
        root = self._jobs[0].paper.files.root
        try:
            path = draw_report(outcome.record_path, self.options, root)
        except ClaimbenchError as error:
            said = str(error)
        except Exception as error:  # noqa: BLE001  no drawing library may cost the run
            said = f"no report could be drawn ({type(error).__name__}: {error})"
        else:
            self.outcome = dataclasses.replace(outcome, report_path=path)
            return True
        self.outcome = dataclasses.replace(outcome, errors=(*outcome.errors, said))
        return False

    def close(self) -> None:
        """End the workers."""
        if self._progress is not None:
            self._progress.end()
            self._progress = None
        if self._run is not None:
            self._run.close()
