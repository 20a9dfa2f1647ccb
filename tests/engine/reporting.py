"""A made-up run, realistic enough to develop and test the report against."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from claimbench.record import (
    ClaimRecord,
    Comparison,
    ContenderRecord,
    Effect,
    PaperRecord,
    Record,
    write_record,
)

PAPER = "optimization/sparse_ot"
KS = (1, 2, 3, 4, 6, 8, 12, 20)


def effect(value: float | None, low: float | None, high: float | None, **changes: Any) -> Effect:
    """Return a 95% t interval over ten replicates, with `changes`."""
    facts = {"level": 0.95, "n": 10, "unit": "nats", "interval": "t"} | changes
    return Effect(value, low, high, **facts)


def claim(name: str = "smoother", **changes: Any) -> ClaimRecord:
    """Return a reproduced claim about a correlation, with `changes`."""
    facts: dict[str, Any] = {
        "id": f"sparse_ot/{name}",
        "paper": PAPER,
        "kind": "rate",
        "scale": "exact",
        "primary": True,
        "claim_hash": "5b1f0c2f7c7d4e9f8a6b",
        "verdict": "reproduced",
        "reason": "The effect is -0.84, 95% interval -0.96 to -0.71 over 10 replicates: at most 0.",
        "effect": effect(-0.84, -0.96, -0.71, unit="rank correlation"),
        "margin": 0.0,
        "holm": True,
        "control": Comparison(
            "shuffled_k",
            "not reproduced",
            "With k shuffled the effect is 0.04, 95% interval 0.01 to 0.07.",
            effect(0.04, 0.01, 0.07, unit="rank correlation"),
        ),
        "against": [],
        "candidates": [],
        "replicates": [-0.9, -0.95, -0.8, -0.78, -0.88, -0.86, -0.7, -0.91, -0.83, -0.79],
        "seconds": 11.25,
        "peak_memory_bytes": 310 * 2**20,
        "statement": "The (semi-)dual objective gets smoother as k grows, so it converges sooner.",
        "source": "Abstract; Section 4",
        "printed": "",
        "experiment": "sweep",
        "where": {"gamma": 10},
        "estimand": "evaluations_against_k",
        "method": "semi_dual",
        "threshold": 0.0,
        "scale_reason": "",
        "p_value": 1.3e-6,
        "needed": None,
        "tags": [],
    }
    return ClaimRecord(**(facts | changes))


def claims() -> list[ClaimRecord]:
    """Return one claim of every verdict, and of most kinds."""
    return [
        claim(),
        claim(
            "faster-than-pot",
            kind="magnitude",
            statement="At equal certified gap the batched solver is faster than POT's semi-dual.",
            source="our own claim; Section 5",
            printed="10 ± 1 times",
            threshold=None,
            margin=0.7,
            estimand="log_seconds_ratio",
            experiment="race",
            method="semi_dual",
            reason="Against pot_semi_dual the effect is 2.33, 95% interval 2.1 to 2.56.",
            effect=effect(2.33, 2.1, 2.56, unit="ln ratio"),
            against=[
                Comparison("pot_semi_dual", "reproduced", "", effect(2.33, 2.1, 2.56)),
                Comparison("pot_dual", "reproduced", "", effect(3.1, 2.8, 3.4)),
            ],
            control=Comparison("python_loop", "not reproduced", "", effect(-0.4, -0.6, -0.2)),
            candidates=[Comparison("mine", "inconclusive", "", effect(0.3, -0.2, 0.8))],
            replicates=[2.2, 2.5, 2.3, 2.1, 2.45, 2.4, 2.3, 2.2, 2.4, 2.45],
            tags=["magnitude agrees"],
            where={},
        ),
        claim(
            "hard-cardinality",
            kind="bound",
            statement="No column of the plan has more than k nonzeros, whatever the cost.",
            source="Proposition 2",
            effect=effect(0.0, -3.0, 0.0, unit="nonzeros", interval="exact", n=320),
            reason="On all 320 instances the plan has at most k nonzeros per column.",
            p_value=None,
            control=Comparison("quadratic", "not reproduced", "", effect(9.0, 4, 9, n=320)),
            replicates=[],
            estimand="excess_nonzeros",
        ),
        claim(
            "plans-exact",
            kind="success",
            scale="reduced",
            scale_reason="20 x 20 problems instead of 256 x 256; ties are as frequent.",
            statement="The primal plan is recovered exactly from the dual solution.",
            verdict="not reproduced",
            threshold=0.5,
            reason="At k = 2 the plan is exact on 0 of 10 instances, Wilson interval 0 to 0.28.",
            effect=effect(0.0, 0.0, 0.278, interval="wilson", unit="share of instances"),
            replicates=[0.0] * 10,
            tags=["ties", "the paper's own figures show the same violation"],
            primary=False,
        ),
        claim(
            "same-value",
            kind="equivalence",
            scale="proxy",
            scale_reason="A proxy for the routing experiment on JFT-300M.",
            statement="Both solvers find the same dual value.",
            verdict="inconclusive",
            margin=1e-4,
            threshold=None,
            effect=effect(4.1e-5, -6e-5, None, level=0.9, unit="relative"),
            reason="The upper limit is unbounded; 90% interval from -6e-5.",
            needed=64,
            against=[Comparison("pot_dual", "inconclusive", "", effect(4.1e-5, -6e-5, None))],
            replicates=[1e-5, 2e-5, None, -3e-5, 9e-5],
            p_value=0.2,
        ),
        claim(
            "interpolates",
            kind="identity",
            statement="With k = 1 the family meets unregularised transport, with k = m quadratic.",
            verdict="void",
            margin=1e-6,
            threshold=None,
            effect=None,
            reason="The control passes the same rule.",
            control=Comparison("truncation", "reproduced", "Truncation passes as well."),
            replicates=[],
            p_value=None,
        ),
    ]


def contenders() -> list[ContenderRecord]:
    """Return contenders of every status."""

    def one(experiment: str, name: str, role: Any, seconds: float, **more: Any) -> ContenderRecord:
        facts = {"status": "ok", "reason": None, "peak_memory_bytes": 2**28, "blocks": 4} | more
        return ContenderRecord(PAPER, experiment, name, role, seconds=seconds, **facts)

    return [
        one(
            "sweep",
            "semi_dual",
            "method",
            11.3,
            tuned={"all": {"memory": 20}},
            blocks_from_store=2,
            grid={"memory": [10, 20, 0.5]},
        ),
        one("sweep", "dual", "method", 9.8),
        one("sweep", "pot_semi_dual", "baseline", 21.0, pin="pot"),
        one("sweep", "pot_dual", "baseline", 18.2, pin="pot"),
        one("sweep", "quadratic", "control", 3.2),
        one("sweep", "shuffled_k", "control", 11.0),
        one(
            "sweep",
            "cone_program",
            "baseline",
            0.0,
            status="unavailable",
            reason="No module named 'cvxpy'; to mend it: pip install 'claimbench[peers]'",
            pin="cvxpy",
            blocks=0,
        ),
        one("race", "semi_dual", "method", 0.4),
        one("race", "pot_semi_dual", "baseline", 4.1, pin="pot"),
        one("race", "pot_dual", "baseline", 8.6, pin="pot"),
        one("race", "python_loop", "control", 0.9),
        one(
            "race",
            "mine",
            "candidate",
            2.0,
            status="failed",
            reason="ValueError: kth out of bounds",
        ),
    ]


def design(settings: dict[str, list[Any]], **changes: Any) -> dict[str, Any]:
    """Return an experiment's design as a record holds it."""
    facts = {
        "settings": settings,
        "cells": int(np.prod([len(values) for values in settings.values()])),
        "replicates": 10,
        "block": 5,
        "deterministic": False,
        "race": False,
        "tuning": None,
    }
    return facts | changes


def pin(package: str, pinned: str, installed: str | None) -> dict[str, Any]:
    """Return a pin as a record holds it."""
    match = pinned == installed
    return {
        "source": "package",
        "paper": "Flamary et al., JMLR 2021",
        "call": f"{package.lower()}.solve",
        "settings": "tolerance 1e-9; 500 iterations",
        "licence": "MIT",
        "match": match,
        "packages": {package: {"pinned": pinned, "installed": installed, "match": match}},
    }


def record(**changes: Any) -> Record:
    """Return the whole record, with `changes`."""
    facts: dict[str, Any] = {
        "schema": 1,
        "profile": "standard",
        "device": "cpu",
        "revision": "0123456789abcdef0123456789abcdef01234567",
        "dirty": False,
        "complete": True,
        "created": "20260131T120000Z",
        "command": "suite --benchmark-only",
        "workers": 2,
        "seed": 0,
        "fingerprint": {
            "cpu": "Example CPU at 3.0 GHz",
            "cores": 2,
            "blas": "openblas 0.3.30",
            "torch": "2.13.0",
            "gpu": None,
        },
        "pins": {
            "pot": pin("POT", "0.9.7.post1", "0.9.7.post1"),
            "cvxpy": pin("cvxpy", "1.9.3", None),
        },
        "data": {"hash": "d41d8cd98f00b204e9800998ecf8427e"},
        "seconds": {"total": 84.2, "contenders": 79.6, "suite": 3.1, "engine": 1.9},
        "papers": [
            PaperRecord(
                PAPER,
                "Sparsity-Constrained Optimal Transport",
                ["Tianlin Liu", "Joan Puigcerver", "Mathieu Blondel"],
                2023,
                arxiv="2209.15466",
                code="google-research/vmoe",
                experiments={
                    "sweep": design({"k": list(KS), "gamma": [1, 10]}),
                    "race": design({"ties": ["none", "many"]}, replicates=12, race=True),
                },
            )
        ],
        "claims": claims(),
        "contenders": contenders(),
    }
    return Record(**(facts | changes))


def sweep(*, replicates: int = 10) -> pd.DataFrame:
    """Return the evidence of a sweep over k, at two values of gamma."""
    rng = np.random.default_rng(7)
    roles = {c.name: c.role for c in contenders() if c.experiment == "sweep" and c.status == "ok"}
    rows = []
    for index, (name, role) in enumerate(roles.items()):
        for gamma in (1.0, 10.0):
            for k in KS:
                for replicate in range(replicates):
                    noise = rng.normal()
                    exact = k >= 12
                    violation = 0.0 if exact else 0.5 * np.exp(-k / 2 + 0.3 * noise)
                    gap = 10.0 ** (-2 - k / 3 + 0.2 * noise + 0.3 * index)
                    lost = name == "pot_dual" and k == 1 and replicate == 0
                    rows.append(
                        {
                            "paper": PAPER,
                            "experiment": "sweep",
                            "contender": name,
                            "role": role,
                            "k": k,
                            "gamma": gamma,
                            "replicate": replicate,
                            "gap": np.inf if lost else gap,
                            "violation": violation,
                            "evaluations": 900 / k**0.7 + 30 * index + 9 * noise,
                            "columns_exact": True,
                            "calls": int(900 / k),
                            "seconds": 0.1,
                            "peak_memory_bytes": 2**28,
                            "status": "diverged" if lost else "ok",
                            "reason": None,
                        }
                    )
    return pd.DataFrame(rows)


def race() -> pd.DataFrame:
    """Return the evidence of a race without a numeric setting: only seconds, in two cells."""
    rng = np.random.default_rng(8)
    base = {"semi_dual": 0.01, "pot_semi_dual": 0.1, "pot_dual": 0.22, "python_loop": 0.015}
    rows = [
        {
            "paper": PAPER,
            "experiment": "race",
            "contender": name,
            "role": "method" if name == "semi_dual" else "baseline",
            "ties": ties,
            "replicate": replicate,
            "calls": pd.NA,
            "seconds": seconds * (1 + ("many" in ties)) * np.exp(0.1 * rng.normal()),
            "peak_memory_bytes": 2**28,
            "status": "ok",
            "reason": None,
        }
        for name, seconds in base.items()
        for ties in ("none", "many")
        for replicate in range(12)
    ]
    return pd.DataFrame(rows).astype({"calls": "Int64"})


def traces(*, points: int = 40) -> pd.DataFrame:
    """Return a traced gap for two contenders of the sweep."""
    rows = [
        {
            "contender": name,
            "k": k,
            "gamma": 1.0,
            "replicate": replicate,
            "point": point,
            "gap_so_far": speed**point * (1 + 0.1 * replicate),
        }
        for name, speed in (("semi_dual", 0.7), ("pot_semi_dual", 0.85))
        for k in KS[:2]
        for replicate in range(3)
        for point in range(points)
    ]
    return pd.DataFrame(rows)


def write_run(
    folder: Path, run: Record | None = None, tables: dict[str, pd.DataFrame] | None = None
) -> Path:
    """Write a record with its evidence as the engine does, and return the record's path."""
    path = folder / "20260131T120000Z-0123456789.json"
    write_record(run or record(), path)
    if tables is None:
        tables = {"sweep": sweep(), "race": race(), "sweep.traces": traces()}
    for name, table in tables.items():
        file = path.with_suffix("") / PAPER / f"{name}.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        table.to_parquet(file)
    return path


def replace_all(run: Record, words: str) -> Record:
    """Return the record with `words` in every free text that comes from outside."""
    first = run.claims[0]
    changed = dataclasses.replace(
        first,
        statement=words,
        source=words,
        printed=words,
        reason=words,
        scale_reason=words,
        tags=[words],
        where={words: words},
        experiment=words,
        method=words,
        estimand=words,
        claim_hash=words,
        effect=dataclasses.replace(effect(1, 0.5, 2), unit=words),
        control=Comparison(words, "not reproduced", words, effect(0, -1, 1), {words: [words]}),
        candidates=[Comparison(words, "inconclusive", words, effect(0, -1, 1))],
    )
    contender = dataclasses.replace(
        run.contenders[0],
        name=words,
        reason=words,
        status="failed",
        pin=words,
        tuned={words: {words: words}},
        grid={words: [words]},
    )
    paper = dataclasses.replace(
        run.papers[0], title=words, authors=[words], arxiv=words, code=words
    )
    return dataclasses.replace(
        run,
        claims=[changed, *run.claims[1:]],
        contenders=[contender, *run.contenders[1:]],
        papers=[paper],
        pins={words: {words: words}},
        fingerprint={words: words},
        data={words: words},
        revision=words,
        created=words,
        command=words,
    )
