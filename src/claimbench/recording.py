"""Make a record of a run and keep its evidence beside it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from claimbench.aside import PARTIAL, abandoned, reserved
from claimbench.binding import Paper
from claimbench.checkout import revision
from claimbench.data import data_hash, hash_of
from claimbench.deviations import deviations
from claimbench.errors import RecordError
from claimbench.evidence import clock
from claimbench.evidence.job import ContenderEvidence
from claimbench.evidence.store import exhibit_file
from claimbench.evidence.table import frame
from claimbench.fingerprint import fingerprint
from claimbench.grid import label
from claimbench.judging import Evidence, Judged
from claimbench.pins import Pin, check
from claimbench.record import (
    SCHEMA,
    ContenderRecord,
    DeviationRecord,
    PaperRecord,
    Record,
    fingerprint_of,
    local,
    to_json,
)
from claimbench.record_names import next_name, order
from claimbench.words import Profile


@dataclass(frozen=True, slots=True)
class Circumstances:
    """How a run was asked for, and what the engine spent on it.

    Attributes
    ----------
    complete
        Every selected contender was waited for.
    total_seconds
        Wall time of the session so far.
    engine_cpu
        CPU seconds of the engine's own process.
    until_decided
        Whether experiments ended when their claims were decided.
    notices
        What went wrong on the way and was mended.
    backend
        Who made the evidence, see `Record.backend`.
    """

    profile: Profile
    device: str
    command: str
    workers: int
    seed: int
    complete: bool
    total_seconds: float
    engine_cpu: float
    until_decided: bool = False
    notices: tuple[str, ...] = ()
    backend: Mapping[str, Any] = field(default_factory=local)


def make_record(
    circumstances: Circumstances,
    papers: Sequence[Paper],
    evidence: Mapping[str, Evidence],
    judged: Judged,
    pins: Mapping[str, Pin],
) -> Record:
    """Return the record of a run.

    Parameters
    ----------
    papers
        Those with a selected contender; not empty.
    evidence
        Paper's id -> (experiment, contender) -> evidence.
    pins
        All of ``pins.toml``; the record holds those that a contender of the run has.
    """
    root = papers[0].files.root
    commit, dirty = revision(root)
    heard = [one for paper in evidence.values() for one in paper.values()]
    used = {one.job.of.pin for one in heard}
    return Record(
        schema=SCHEMA,
        profile=circumstances.profile,
        device=circumstances.device,
        revision=commit,
        dirty=dirty,
        complete=circumstances.complete,
        created=clock.utc(),
        command=circumstances.command,
        workers=circumstances.workers,
        seed=circumstances.seed,
        fingerprint=dict(fingerprint(circumstances.device)),
        pins=check({name: pin for name, pin in pins.items() if name in used}),
        data={
            "hash": data_hash(root),
            "papers": {paper.id: hash_of(root, paper.id) for paper in papers},
        },
        seconds=_seconds(circumstances, heard),
        papers=[_paper(paper) for paper in papers],
        claims=list(judged.claims),
        contenders=[_contender(one) for one in heard],
        not_judged=dict(judged.not_judged),
        until_decided=circumstances.until_decided,
        notices=list(circumstances.notices),
        backend=dict(circumstances.backend),
    )


def save(record: Record, results: Path, evidence: Mapping[str, Evidence]) -> Path:
    """Write a record and its evidence; return the record's path.

    ``<results>/<profile>/<fingerprint>/<UTC time>-<revision>.json``, and beside it a folder of the
    same name with ``<domain>/<paper>/<experiment>.parquet``. The record comes last: where it is,
    its evidence is whole. Until then the name is reserved, so that two runs never share one.

    Raises
    ------
    RecordError
        When the folder can't be written.
    """
    place = results / record.profile / fingerprint_of(record)
    try:
        place.mkdir(parents=True, exist_ok=True)
        while True:
            others = [path for path in results.glob("*/*/*.json*") if order(path) > ("", 0)]
            path = place / next_name(others, record.created, record.revision[:8])
            try:
                with reserved(path) as file:
                    _write_all(path.with_suffix(""), evidence)
                    file.write(to_json(_dated(record, path)).encode())
            except FileExistsError:  # another run was a moment earlier
                continue
            return path
    except OSError as error:
        raise RecordError(
            f"the record and its evidence can't be written ({error.strerror})",
            value=str(place),
            allowed="a folder you may write, on a disk with room",
            cure="pytest suite --benchmark-only --results-dir FOLDER",
        ) from error


def sweep(results: Path) -> None:
    """Remove what runs left behind that were killed while they wrote their record."""
    for aside in results.glob(f"*/*/*.json{PARTIAL}"):
        path = aside.with_name(aside.name.removesuffix(PARTIAL))
        with abandoned(aside) as free, suppress(OSError):
            if free:
                if not path.exists():
                    shutil.rmtree(path.with_suffix(""), ignore_errors=True)
                aside.unlink(missing_ok=True)


def _dated(record: Record, path: Path) -> Record:
    """Return the record, with a notice where the clock had gone back."""
    time, _ = order(path)
    if time <= record.created:
        return record
    notice = (
        f"the system's clock shows {record.created}, which is before the newest record's time,"
        f" {time}: this record is numbered after it"
    )
    return replace(record, notices=[*record.notices, notice])


def _write_all(folder: Path, evidence: Mapping[str, Evidence]) -> None:
    try:
        for paper, found in evidence.items():
            for experiment in dict.fromkeys(name for name, _ in found):
                own = [one for (name, _), one in found.items() if name == experiment]
                _write_evidence(folder / paper, experiment, own)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _write_evidence(folder: Path, experiment: str, evidence: Sequence[ContenderEvidence]) -> None:
    rows, traces = frame(evidence)
    folder.mkdir(parents=True, exist_ok=True)
    # In one piece: a disk that is full then says so in Python's words, not in the library's.
    (folder / f"{experiment}.parquet").write_bytes(rows.to_parquet(index=False))
    if traces is not None:
        (folder / f"{experiment}.traces.parquet").write_bytes(traces.to_parquet(index=False))
    for one in evidence:
        for unit in one.units:
            exhibit = exhibit_file(Path(unit.file))
            if exhibit.is_file():
                target = folder / f"{experiment}.exhibits"
                target.mkdir(exist_ok=True)
                cell = label(unit.cells[0]).replace(", ", "-").replace("/", "_")
                shutil.copyfile(exhibit, target / f"{unit.contender}-{cell}.npz")


def _seconds(
    circumstances: Circumstances, evidence: Sequence[ContenderEvidence]
) -> dict[str, float]:
    outcomes = [outcome for one in evidence for outcome in one.outcomes]
    workers = sum(outcome.engine_seconds for outcome in outcomes)
    return {
        "total": circumstances.total_seconds,
        "contenders": sum(one.seconds for one in evidence),
        "suite": sum(outcome.suite_seconds for outcome in outcomes),
        "engine": workers + circumstances.engine_cpu,
    }


def _paper(paper: Paper) -> PaperRecord:
    about = paper.file.paper
    return PaperRecord(
        id=paper.id,
        title=about.title,
        authors=list(about.authors),
        year=about.year,
        arxiv=about.arxiv,
        code=about.code,
        experiments={
            name: {
                "settings": {key: list(values) for key, values in design.settings.items()},
                "cells": len(design.cells),
                "replicates": design.replicates,
                "block": design.block,
                "deterministic": design.deterministic,
                "budget": design.budget,
                "race": paper.experiments[name].seconds,
                "tuning": None
                if design.tuning is None
                else {
                    "trials": design.tuning.trials,
                    "replicates": design.tuning.replicates,
                    "criterion": design.tuning.criterion,
                },
            }
            for name, design in paper.designs.items()
        },
        deviations=[DeviationRecord(file, text) for file, text in deviations(paper.files)],
    )


def _contender(evidence: ContenderEvidence) -> ContenderRecord:
    job = evidence.job
    tuned: dict[str, Any] = {
        label(unit.cells[0]) if unit.cells[0] else "all": unit.parameters
        for unit in evidence.units
        if unit.parameters and unit.stage == "evidence"
    }
    return ContenderRecord(
        paper=job.paper.id,
        experiment=job.experiment,
        name=job.contender,
        role=job.of.role,
        status=evidence.status,
        reason=evidence.reason,
        seconds=evidence.seconds,
        peak_memory_bytes=evidence.peak_memory_bytes,
        pin=job.of.pin,
        blocks=len(evidence.units),
        blocks_from_store=sum(outcome.from_store for outcome in evidence.outcomes),
        tuned=tuned,
        grid={name: list(values) for name, values in job.of.grid.items()},
        source=dict(job.of.origin.facts) if job.of.origin is not None else {},
    )
