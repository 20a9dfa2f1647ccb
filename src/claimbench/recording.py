"""Make a record of a run and keep its evidence beside it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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
    write_record,
)
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
        backend=dict(circumstances.backend),
    )


def save(record: Record, results: Path, evidence: Mapping[str, Evidence]) -> Path:
    """Write a record and its evidence; return the record's path.

    ``<results>/<profile>/<fingerprint>/<UTC time>-<revision>.json``, and beside it a folder of the
    same name with ``<domain>/<paper>/<experiment>.parquet``.

    Raises
    ------
    RecordError
        When the folder can't be written.
    """
    place = results / record.profile / fingerprint_of(record)
    path = _free(place / f"{record.created}-{record.revision[:8]}.json")
    folder = path.with_suffix("")
    try:
        for paper, found in evidence.items():
            for experiment in dict.fromkeys(name for name, _ in found):
                own = [one for (name, _), one in found.items() if name == experiment]
                _write_evidence(folder / paper, experiment, own)
    except OSError as error:
        raise RecordError(
            f"the evidence can't be written ({error.strerror})",
            value=str(folder),
            allowed="a folder you may write, on a disk with room",
            cure="pytest suite --benchmark-only --results-dir FOLDER",
        ) from error
    write_record(record, path)
    return path


def _write_evidence(folder: Path, experiment: str, evidence: Sequence[ContenderEvidence]) -> None:
    rows, traces = frame(evidence)
    folder.mkdir(parents=True, exist_ok=True)
    rows.to_parquet(folder / f"{experiment}.parquet", index=False)
    if traces is not None:
        traces.to_parquet(folder / f"{experiment}.traces.parquet", index=False)
    for one in evidence:
        for unit in one.units:
            exhibit = exhibit_file(Path(unit.file))
            if exhibit.is_file():
                target = folder / f"{experiment}.exhibits"
                target.mkdir(exist_ok=True)
                cell = label(unit.cells[0]).replace(", ", "-").replace("/", "_")
                shutil.copyfile(exhibit, target / f"{unit.contender}-{cell}.npz")


def _free(path: Path) -> Path:
    """Return the path, or one with a number where two runs end within a second."""
    free, number = path, 1
    while free.exists() or free.with_suffix("").exists():
        number += 1
        free = path.with_name(f"{path.stem}-{number}.json")
    return free


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
    )
